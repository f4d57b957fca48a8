-- Grain: one row per customer and day they are looked at from; only rows before that day count, so
-- nothing of a later day can leak into what is learnt from it.
{#- Configured here, because a hook that refers to a model cannot stand in YAML. -#}
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='snapshot_date',
    on_schema_change='fail',
    post_hook=["{{ build_other_snapshots() }}", "
        delete from {{ this }}
        where not exists (
            select 1 from {{ ref('int_snapshot_dates') }} as wanted
            where wanted.snapshot_date = {{ this.identifier }}.snapshot_date
        )",
    ],
) }}
{%- set snapshot_dates = snapshot_dates_to_build(is_incremental()) %}

with

customer_days as (
    select
        customer_id,
        activity_date,
        order_count,
        revenue,
        discount,
        refund,
        product_count,
        new_category_count,
        return_count,
        event_count,
        order_day_number,
        gap_days
    from {{ ref('int_customer_days') }}
),

snapshot_dates as (
    select
        snapshot_date,
        history_fingerprint,
        history_days,
        has_events
    from {{ ref('int_snapshot_dates') }}
),

int_customer_snapshots as (
    {{ customer_snapshot((snapshot_dates or ['1990-01-01'])[:snapshots_per_statement()]) }}
    {{ 'where false' if not snapshot_dates }}
)

select * from int_customer_snapshots
