-- Every product for which somebody has been judged.
SELECT DISTINCT toString(product) AS product FROM scores WHERE product != '' ORDER BY product LIMIT 1000
