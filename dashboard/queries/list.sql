-- Behind population.sql. One page of the prospects of a period that have
-- reached a stage, the one that reached it last first; total is how many
-- there are in all.
SELECT
    prospect AS key,
    assumeNotNull(multiIf(
        {stage:String} = 'lead', lead,
        {stage:String} = 'opportunity', opportunity,
        {stage:String} = 'customer', customer,
        {stage:String} = 'lost', lost,
        toNullable(first)) AS reached_at) AS reached,
    toString(origin) AS source,
    count() OVER () AS total
FROM population LEFT JOIN reached USING (prospect)
WHERE reached_at IS NOT NULL AND ({source:String} = '' OR origin = {source:String})
ORDER BY reached DESC, key
LIMIT {limit:UInt32} OFFSET {offset:UInt32}
