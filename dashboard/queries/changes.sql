-- The newest stage changes of a prospect for a product, and whose contact
-- brought each about.
SELECT
    toString(from_stage) AS from, toString(to_stage) AS to, changes.at AS at, rule, evidence, contact,
    ifNull(if(people.name != '', people.name, people.email), '') AS who
FROM (
    SELECT * FROM stage_changes
    WHERE prospect = {key:String} AND product = {product:String} AND kafka_offset <= {upto:Int64}
    ORDER BY kafka_offset DESC, line DESC
    LIMIT {limit:UInt32}
) AS changes
LEFT JOIN (
    SELECT id, name, email FROM contacts
    WHERE prospect = {key:String} AND id IN (
        SELECT contact FROM stage_changes WHERE prospect = {key:String} AND product = {product:String} AND kafka_offset <= {upto:Int64})
) AS people ON people.id = changes.contact
ORDER BY kafka_offset DESC, line DESC
