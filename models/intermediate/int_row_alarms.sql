-- Grain: one row per alarm, severity, raw table and detail, of alarms that the raw rows raise.
with

row_counts as (
    select
        entity,
        record_status,
        broken_rule,
        has_line_id,
        is_placeholder_customer,
        row_count,
        line_amount
    from {{ ref('raw_row_counts') }}
),

conflicting_orders as (
    select min(record_key) as record_key
    from {{ ref('rejected_rows') }}
    where rule = 'conflicting_order'
),

totals as (
    select
        entity,
        sum(row_count) as raw_count,
        sum(case when record_status = 'accepted' then line_amount end) as revenue
    from row_counts
    group by 1
),

copies as (
    select
        'identical_lines' as alarm,
        entity,
        'order_line_id' as detail,
        sum(row_count) as record_count,
        sum(line_amount) as amount
    from row_counts
    where entity = 'orders' and broken_rule = 'exact_duplicate' and not has_line_id
    group by 2
),

conflicts as (
    select
        'conflicting_order' as alarm,
        row_counts.entity,
        conflicting_orders.record_key as detail,
        sum(row_counts.row_count) as record_count,
        sum(row_counts.line_amount) as amount
    from row_counts
    cross join conflicting_orders
    where row_counts.broken_rule = 'conflicting_order'
    group by 2, 3
),

placeholders as (
    select
        'placeholder_id' as alarm,
        entity,
        'customer_id' as detail,
        sum(row_count) as record_count,
        sum(line_amount) as amount
    from row_counts
    where is_placeholder_customer and record_status = 'accepted'
    group by 2
),

-- Rows that broke a rule which nobody expects to be broken: not the shop's own rules, and not the rows
-- that say nothing new.
broken as (
    select
        entity,
        broken_rule,
        sum(row_count) as record_count,
        sum(line_amount) as amount
    from row_counts
    where
        record_status = 'rejected'
        and broken_rule not in ('superseded', 'exact_duplicate')
        and not {{ is_own_rule() }}
    group by 1, 2
),

ranked as (
    select
        entity,
        broken_rule,
        row_number() over (partition by entity order by record_count desc, broken_rule asc) as rank_in_table,
        sum(record_count) over (partition by entity) as record_count,
        sum(amount) over (partition by entity) as amount
    from broken
),

rejections as (
    select
        'high_rejection' as alarm,
        entity,
        broken_rule as detail,
        record_count,
        amount
    from ranked
    where rank_in_table = 1
),

raised as (
    select * from copies
    union all
    select * from conflicts
    union all
    select * from placeholders
    union all
    select * from rejections
),

measured as (
    select
        raised.alarm,
        raised.entity,
        raised.detail,
        raised.record_count,
        raised.amount,
        cast(raised.record_count as double) / totals.raw_count as share_of_rows,
        -- Of the revenue that there would be with them.
        cast(raised.amount as double) / nullif(totals.revenue + raised.amount, 0) as share_of_revenue
    from raised
    inner join totals
        on raised.entity = totals.entity
),

int_row_alarms as (
    select
        alarm,
        'warn' as severity,
        entity,
        detail,
        record_count,
        amount,
        case when alarm = 'identical_lines' then coalesce(share_of_revenue, share_of_rows) else share_of_rows end
            as share
    from measured
    where
        alarm in ('conflicting_order', 'placeholder_id')
        or alarm = 'identical_lines'
        and coalesce(share_of_revenue, share_of_rows) > {{ var('identical_lines_share') }}
        or alarm = 'high_rejection' and share_of_rows > {{ var('high_rejection_share') }}
)

select * from int_row_alarms
