-- Grain: one row per customer and snapshot date.
with

customer_snapshots as (
    select
        customer_id,
        snapshot_date,
        recency_days,
        tenure_days,
        frequency,
        monetary,
        net_monetary,
        average_order_value,
        discount_share,
        category_count,
        events_90
    from {{ ref('int_customer_snapshots') }}
),

int_segment_features as (
    select
        customer_id,
        {% for feature, expression in segment_features().items() -%}
        cast({{ expression }} as double) as {{ feature }},
        {% endfor -%}
        snapshot_date
    from customer_snapshots
)

select * from int_segment_features
