-- A prospect as of its newest contact; upto is that contact's place. The
-- other tables are read up to there, so that one page tells of one moment.
SELECT
    if(argMaxIf(company, kafka_offset, company != '') AS newest_company != '',
        newest_company, argMaxIf(name, kafka_offset, name != '')) AS shown_name,
    argMaxIf(domain, kafka_offset, domain != '') AS newest_domain,
    toString(argMin(source, (at, kafka_offset))) AS first_source,
    min(at) AS first_at,
    max(at) AS last_at,
    count() AS contacts,
    max(kafka_offset) AS upto
FROM contacts
WHERE prospect = {key:String}
