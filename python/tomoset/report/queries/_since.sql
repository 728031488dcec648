-- For each root the crawl before its last one: what an interrupted crawl found belongs to the next.
SELECT root, coalesce(list_extract(max(crawl, 2), 2), 0) AS since FROM crawls GROUP BY root
