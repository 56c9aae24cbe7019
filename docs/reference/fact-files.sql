-- The table of fact files for Athena and Glue, and two views on it. The views run in DuckDB, too.
-- Put the bucket's name (output FactsBucket of the stack) in the place of <bucket>.

CREATE EXTERNAL TABLE facts (
  access_channel string,
  msgid string,
  template int,
  sent timestamp,
  fact string,
  time timestamp,
  code string,
  chunk int,
  number int,
  target string,
  step int,
  channel_type string,
  delivery_channel string,
  element string,
  contact int
)
PARTITIONED BY (day string)
STORED AS PARQUET
LOCATION 's3://<bucket>/facts/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.day.type' = 'date',
  'projection.day.format' = 'yyyy-MM-dd',
  'projection.day.range' = '2026-01-01,NOW+1DAYS',
  'storage.location.template' = 's3://<bucket>/facts/day=${day}/'
);

-- A row per delivery, with the stages of the funnel that it has reached.
CREATE VIEW deliveries AS
WITH states AS (
  SELECT day, access_channel, msgid, template, chunk, number, target, step,
    channel_type, delivery_channel, element, contact,
    bool_or(fact = 'invalid_target') AS refused,
    bool_or(fact IN ('submitted', 'delivery_failed', 'bounced')) AS taken,
    bool_or(fact = 'delivered') AND NOT bool_or(fact = 'bounced') AS arrived,
    bool_or(fact = 'clicked') AS clicked,
    bool_or(fact = 'opened') AS opened
  FROM facts
  WHERE element IS NOT NULL AND fact <> 'refused'
  GROUP BY day, access_channel, msgid, template, chunk, number, target, step,
    channel_type, delivery_channel, element, contact
)
SELECT day, access_channel, msgid, template, chunk, number, target, step,
  channel_type, delivery_channel, element, contact,
  taken OR arrived OR clicked OR NOT refused AS valid,
  taken OR arrived OR clicked AS submitted,
  arrived OR clicked AS delivered,
  clicked,
  opened
FROM states;

-- The figures of a day and access channel, as the statistics have them.
CREATE VIEW figures AS
WITH people AS (
  SELECT day, access_channel, msgid, chunk, number,
    bool_or(submitted) AS submitted, bool_or(delivered) AS delivered, bool_or(clicked) AS clicked
  FROM deliveries
  GROUP BY day, access_channel, msgid, chunk, number
),
counted AS (
  SELECT day, access_channel, 'requests' AS figure, count(*) AS value
  FROM facts WHERE fact = 'message' GROUP BY day, access_channel
  UNION ALL
  SELECT day, access_channel, 'users.planned', count(*)
  FROM facts WHERE fact = 'target' GROUP BY day, access_channel
  UNION ALL
  SELECT day, access_channel, 'users.valid', sum(CASE fact WHEN 'target' THEN 1 ELSE -1 END)
  FROM facts WHERE fact IN ('target', 'lost') GROUP BY day, access_channel
  UNION ALL
  SELECT day, access_channel, 'users.submitted', count(*)
  FROM people WHERE submitted GROUP BY day, access_channel
  UNION ALL
  SELECT day, access_channel, 'users.delivered', count(*)
  FROM people WHERE delivered GROUP BY day, access_channel
  UNION ALL
  SELECT day, access_channel, 'users.clicked', count(*)
  FROM people WHERE clicked GROUP BY day, access_channel
  UNION ALL
  SELECT day, access_channel, 'deliveries.planned', count(*)
  FROM facts WHERE fact IN ('delivery', 'refused') GROUP BY day, access_channel
  UNION ALL
  SELECT day, access_channel, 'deliveries.valid', count(*)
  FROM deliveries WHERE valid GROUP BY day, access_channel
  UNION ALL
  SELECT day, access_channel, 'deliveries.submitted', count(*)
  FROM deliveries WHERE submitted GROUP BY day, access_channel
  UNION ALL
  SELECT day, access_channel, 'deliveries.delivered', count(*)
  FROM deliveries WHERE delivered GROUP BY day, access_channel
  UNION ALL
  SELECT day, access_channel, 'deliveries.clicked', count(*)
  FROM deliveries WHERE clicked GROUP BY day, access_channel
)
SELECT day, access_channel, figure, value FROM counted;
