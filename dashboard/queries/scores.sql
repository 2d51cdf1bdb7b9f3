-- Behind worth.sql. The scores of some prospects for a product.
SELECT prospect AS key, sum(worth_then) AS score
FROM reasons
WHERE prospect IN {keys:Array(String)} AND product = {product:String}
GROUP BY prospect
