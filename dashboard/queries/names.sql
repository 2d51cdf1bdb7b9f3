-- What a list shows of some prospects, whatever the product.
SELECT
    prospect AS key,
    if(argMaxIf(company, kafka_offset, company != '') AS newest_company != '',
        newest_company, argMaxIf(contacts.name, kafka_offset, contacts.name != '')) AS name,
    count() AS contacts,
    max(at) AS last_at
FROM contacts
WHERE prospect IN {keys:Array(String)}
GROUP BY prospect
