-- Where a prospect stands for a product, as of a contact's place.
SELECT
    toString(argMax(stage, kafka_offset)) AS newest_stage,
    argMax(score, kafka_offset) AS newest_score,
    toString(argMax(criteria, kafka_offset)) AS newest_criteria,
    count() AS verdicts
FROM scores
WHERE prospect = {key:String} AND product = {product:String} AND kafka_offset <= {upto:Int64}
