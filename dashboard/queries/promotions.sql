-- The newest promotions for a product: rises from one stage to a higher one.
WITH ['contact', 'lead', 'opportunity', 'customer'] AS ranks
SELECT prospect AS key, toString(source) AS source, toString(from_stage) AS from, toString(to_stage) AS to, at, evidence
FROM stage_changes
WHERE product = {product:String} AND indexOf(ranks, to_stage) > 1 AND indexOf(ranks, to_stage) > indexOf(ranks, from_stage)
ORDER BY at DESC, kafka_offset DESC, line DESC
LIMIT {limit:UInt32}
