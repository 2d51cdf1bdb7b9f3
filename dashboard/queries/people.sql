-- Who wrote or was named, those with authority first, then the one heard of
-- last. Somebody without an address is told apart by phone, then name. What they
-- showed is what their words and titles say, and what the product's ledger
-- credits to them: a line that begins at nothing, or one of no points, by which
-- a criterion is met anew. Other lines only correct points.
WITH
lines AS (
    SELECT
        contact, toString(criterion) AS name, points,
        sum(points) OVER (PARTITION BY criterion ORDER BY kafka_offset, line ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS points_before
    FROM reasons
    WHERE prospect = {key:String} AND product = {product:String} AND kafka_offset <= {upto:Int64} AND NOT startsWith(criterion, 'engagement:')
),
credited AS (
    SELECT contact, groupUniqArray(name) AS names
    FROM lines
    WHERE ifNull(points_before, 0) = 0 OR points = 0
    GROUP BY contact
)
SELECT
    argMaxIf(email, kafka_offset, email != '') AS newest_email,
    argMaxIf(name, kafka_offset, name != '') AS newest_name,
    argMaxIf(phone, kafka_offset, phone != '') AS newest_phone,
    argMaxIf(title, kafka_offset, title != '') AS newest_title,
    arraySort(arrayDistinct(arrayConcat(
        groupUniqArrayArray(if(interest, arrayMap(k -> toString(k), finding_criteria), [])), groupUniqArrayArray(credited.names)))) AS showed,
    has(showed, 'authority') AS authority,
    count() AS contacts,
    max(at) AS last_at
FROM contacts LEFT JOIN credited ON credited.contact = contacts.id
WHERE prospect = {key:String} AND kafka_offset <= {upto:Int64} AND (email, phone, name) != ('', '', '')
GROUP BY multiIf(email != '', email, phone != '', phone, name)
ORDER BY authority DESC, last_at DESC, newest_email
LIMIT {limit:UInt32}
