-- The newest crawls, and for each root its last one.
SELECT
    *, row_number() OVER (PARTITION BY root ORDER BY crawl DESC) AS back
FROM crawls
QUALIFY row_number() OVER (ORDER BY crawl DESC) <= 15 OR back = 1
ORDER BY crawl DESC
