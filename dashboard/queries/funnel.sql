-- Behind population.sql. Three groupings in one pass: everything (set 3),
-- by `by` (set 1), and by `bucket` of time (set 2).
SELECT
    grouping(label, bucket) AS set,
    toString(if(set = 1, label, bucket)) AS key,
    count() AS prospects,
    sum(contacts) AS contacts,
    count(lead) AS leads,
    count(opportunity) AS opportunities,
    count(customer) AS customers,
    count(lost) AS lost,
    -- A late contact may be older than the change that a newer one brought about: never below 0.
    round(quantileExactInclusiveOrNullIf(0.5)(greatest(0, dateDiff('millisecond', first, assumeNotNull(lead))) / 1000, lead IS NOT NULL), 3) AS lead_seconds,
    round(quantileExactInclusiveOrNullIf(0.5)(dateDiff('millisecond', assumeNotNull(lead), assumeNotNull(opportunity)) / 1000, opportunity IS NOT NULL), 3) AS opportunity_seconds,
    round(quantileExactInclusiveOrNullIf(0.5)(dateDiff('millisecond', assumeNotNull(opportunity), assumeNotNull(customer)) / 1000, customer IS NOT NULL), 3) AS customer_seconds
FROM population LEFT JOIN reached USING (prospect)
GROUP BY GROUPING SETS (
    (),
    (multiIf(
        {by:String} = 'day', toString(toDate32(first)),
        {by:String} = 'week', toString(toMonday(toDate32(first))),
        {by:String} = 'month', formatDateTime(first, '%Y-%m'),
        toString(origin)) AS label),
    (multiIf(
        {bucket:String} = 'day', toString(toDate32(first)),
        {bucket:String} = 'week', toString(toMonday(toDate32(first))),
        {bucket:String} = 'month', formatDateTime(first, '%Y-%m'),
        '') AS bucket)
)
ORDER BY set DESC, prospects DESC, key
LIMIT 5000 BY set
