-- Whether anything has arrived at all.
SELECT count() > 0 AS yes FROM contacts
