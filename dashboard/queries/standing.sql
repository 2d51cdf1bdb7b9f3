-- Where a prospect stands for a product, as of a contact's place.
SELECT
    toString(argMax(stage, kafka_offset)) AS newest_stage,
    argMax(falls_at, kafka_offset) AS newest_falls_at,
    arrayMap(s -> toString(s), argMax(falls_to, kafka_offset)) AS newest_falls_to,
    toString(argMax(criteria, kafka_offset)) AS newest_criteria,
    count() AS verdicts
FROM scores
WHERE prospect = {key:String} AND product = {product:String} AND kafka_offset <= {upto:Int64}
