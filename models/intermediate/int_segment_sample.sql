-- Grain: one row per sampled customer and day. Who is in the sample depends on the customer's name
-- alone, so it is the same in every build and on every warehouse, and largely the same from day to day.
{%- set features = segment_features().keys() | list %}
with

segment_features as (
    select
        customer_id,
        snapshot_date,
        {{ features | join(',\n        ') }}
    from {{ ref('int_segment_features') }}
),

segment_dates as (
    select
        snapshot_date,
        is_as_of_date
    from {{ ref('int_segment_dates') }}
    where is_month_start or is_as_of_date
),

outcomes as (
    select
        customer_id,
        snapshot_date,
        value_next_90
    from {{ ref('int_customer_outcomes') }}
),

numbered as (
    select
        segment_features.*,
        segment_dates.is_as_of_date,
        row_number() over (
            partition by segment_features.snapshot_date
            order by {{ dbt.hash('segment_features.customer_id') }}, segment_features.customer_id
        ) as sample_number
    from segment_features
    inner join segment_dates
        on segment_features.snapshot_date = segment_dates.snapshot_date
),

sampled as (
    select *
    from numbered
    where
        sample_number <= {{ var('segment_drift_rows') }}
        or (is_as_of_date and sample_number <= {{ var('train_sample_rows') }})
),

int_segment_sample as (
    select
        sampled.customer_id,
        sampled.snapshot_date,
        cast(sampled.sample_number as integer) as sample_number,
        {%- for feature in features %}
        sampled.{{ feature }},
        {%- endfor %}
        cast(outcomes.value_next_90 as double) as value_next_90
    from sampled
    left join outcomes
        on
            sampled.customer_id = outcomes.customer_id
            and sampled.snapshot_date = outcomes.snapshot_date
)

select * from int_segment_sample
