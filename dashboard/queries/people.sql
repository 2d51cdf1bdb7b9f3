-- Who wrote or was named, the one heard of last first. Somebody without an
-- address is told apart by phone, then name.
SELECT
    argMaxIf(email, kafka_offset, email != '') AS newest_email,
    argMaxIf(name, kafka_offset, name != '') AS newest_name,
    argMaxIf(phone, kafka_offset, phone != '') AS newest_phone,
    argMaxIf(title, kafka_offset, title != '') AS newest_title,
    max(id IN (SELECT contact FROM reasons WHERE prospect = {key:String} AND product = {product:String} AND criterion = 'authority' AND points >= 0)) AS authority,
    count() AS contacts,
    max(at) AS last_at
FROM contacts
WHERE prospect = {key:String} AND kafka_offset <= {upto:Int64} AND (email, phone, name) != ('', '', '')
GROUP BY multiIf(email != '', email, phone != '', phone, name)
ORDER BY authority DESC, last_at DESC, newest_email
LIMIT {limit:UInt32}
