-- What a ledger line is worth at a time: the column worth of table reasons, with
-- that time in place of now. Queries over reasons begin with this one.
WITH (points, half_life, decays_from, at) -> intDiv(toInt64(points), bitShiftLeft(toInt64(1), if(half_life = 0, 0, least(62, intDiv(
    greatest(0, toUnixTimestamp64Milli(at) - toUnixTimestamp64Milli(decays_from)), toInt64(greatest(half_life, 1)) * 1000))))) AS worth_at
