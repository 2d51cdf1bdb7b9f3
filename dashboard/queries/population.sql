-- The prospects of a period, and when each reached a stage for a product.
-- Other queries begin with this one.
-- A prospect belongs to the period in which it first showed interest; its
-- origin (source, campaign or kind, by `by`) is that first contact's.
WITH
population AS (
    SELECT
        prospect,
        min(at) AS first,
        -- By (at, kafka_offset); as one number it takes a third less time than as a pair.
        argMin(
            multiIf({by:String} = 'campaign', campaign_name, {by:String} = 'kind', kind, source),
            bitShiftLeft(toInt128(toUnixTimestamp64Milli(at)), 64) + kafka_offset) AS origin,
        count() AS contacts
    FROM contacts
    WHERE interest AND at < {to:DateTime64(3, 'UTC')}
    GROUP BY prospect
    HAVING first >= {from:DateTime64(3, 'UTC')}
),
-- Those whom silence has lost since their newest contact, or will.
silent AS (
    SELECT prospect, argMax(if(has(falls_to, 'lost'), falls_at[indexOf(falls_to, 'lost')], toDateTime64('2299-12-31', 3, 'UTC')), kafka_offset) AS lost_at
    FROM scores
    -- Where no criteria lose anybody, this reads one small column.
    WHERE product = {product:String} AND prospect IN (SELECT prospect FROM scores WHERE product = {product:String} AND has(falls_to, 'lost'))
    GROUP BY prospect
    HAVING lost_at <= {now:DateTime64(3, 'UTC')}
),
-- A jump over a stage reaches the stage jumped over at the same time.
reached AS (
    SELECT
        prospect,
        minOrNullIf(at, to_stage IN ('lead', 'opportunity', 'customer')) AS lead,
        minOrNullIf(at, to_stage IN ('opportunity', 'customer')) AS opportunity,
        minOrNullIf(at, to_stage = 'customer') AS customer,
        coalesce(
            if(argMax(to_stage, (kafka_offset, line)) = 'lost', argMax(at, (kafka_offset, line)), NULL),
            any(silent.lost_at)) AS lost
    FROM (SELECT prospect, to_stage, at, kafka_offset, line FROM stage_changes WHERE product = {product:String}) AS changes
    FULL JOIN silent USING (prospect)
    GROUP BY prospect
)
