-- The segments of all customers, to hand over as a file:
--   dbt compile --select segments_as_csv
--   duckdb clientele.duckdb -csv < target/compiled/clientele/analyses/segments_as_csv.sql > segments.csv
with

segments_as_csv as (
    select
        customer_id,
        segment_id,
        segment_name,
        distance,
        recommended_action,
        segment_status,
        as_of_date,
        model_version
    from {{ ref('customer_segments') }}
)

select * from segments_as_csv
order by customer_id
