-- The newest contacts of a prospect. Long text is cut here rather than
-- carried to the page.
SELECT
    id, toString(source) AS source, toString(kind) AS kind, toString(class) AS class, interest, toString(event) AS event, at, received,
    email, name, phone, title, company, domain,
    toString(campaign_source) AS campaign_source, toString(campaign_medium) AS campaign_medium, toString(campaign_name) AS campaign_name,
    toString(campaign_term) AS campaign_term, toString(campaign_content) AS campaign_content, landing, referrer,
    subject, substringUTF8(c.text, 1, {chars:UInt32}) AS text, lengthUTF8(c.text) > {chars:UInt32} AS cut,
    field_names, arrayMap(k -> toString(k), field_keys) AS field_keys, arrayMap(v -> substringUTF8(v, 1, 2000), field_values) AS field_values,
    message_id, in_reply_to, attachments,
    arrayMap(k -> toString(k), finding_criteria) AS finding_criteria, finding_words, arrayMap(k -> toString(k), finding_places) AS finding_places,
    finding_starts, finding_amounts, arrayMap(k -> toString(k), finding_currencies) AS finding_currencies, finding_days,
    toString(ifNull(s.stage, 'contact')) AS stage, ifNull(s.score, 0) AS score
FROM contacts AS c
LEFT JOIN (
    SELECT kafka_offset, stage, score
    FROM scores
    WHERE prospect = {key:String} AND product = {product:String} AND kafka_offset <= {upto:Int64}
) AS s ON s.kafka_offset = c.kafka_offset
WHERE c.prospect = {key:String} AND c.kafka_offset <= {upto:Int64}
ORDER BY c.at DESC, c.kafka_offset DESC
LIMIT {limit:UInt32}
