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

rejections as (
    select
        'high_rejection' as alarm,
        entity,
        broken_rule as detail,
        record_count,
        amount
    from broken
),

-- What lies after the last order, on a clock that the orders set.
late_returns as (
    select
        'late_return' as alarm,
        entity,
        'return_date' as detail,
        sum(row_count) as record_count,
        sum(line_amount) as amount
    from row_counts
    where entity = 'returns' and record_status = 'left_out' and {{ as_of_date_setting() }} is null
    group by 2
),

raised as (
    select * from copies
    union all
    select * from conflicts
    union all
    select * from placeholders
    union all
    select * from rejections
    union all
    select * from late_returns
),

measured as (
    select
        raised.alarm,
        raised.entity,
        raised.detail,
        raised.record_count,
        raised.amount,
        cast(raised.record_count as double) / totals.raw_count as share_of_rows,
        -- Of the money that there would be with them; what was taken for a sale may be negative.
        abs(cast(raised.amount as double)) / nullif(totals.revenue + abs(raised.amount), 0) as share_of_revenue,
        cast(sum(raised.record_count) over (partition by raised.alarm, raised.entity) as double) / totals.raw_count
            as share_of_all_rows,
        cast(sum(abs(raised.amount)) over (partition by raised.alarm, raised.entity) as double)
        / nullif(totals.revenue + sum(abs(raised.amount)) over (partition by raised.alarm, raised.entity), 0)
            as share_of_all_revenue
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
        case
            when alarm in ('identical_lines', 'late_return') then coalesce(share_of_revenue, share_of_rows)
            when alarm = 'high_rejection' then greatest(share_of_rows, coalesce(share_of_revenue, 0))
            else share_of_rows
        end as share
    from measured
    where
        alarm in ('conflicting_order', 'placeholder_id', 'late_return')
        or alarm = 'identical_lines'
        and coalesce(share_of_revenue, share_of_rows) > {{ var('identical_lines_share') }}
        -- By rows or by money: one line may be worth a quarter of the shop.
        or alarm = 'high_rejection'
        and greatest(share_of_all_rows, coalesce(share_of_all_revenue, 0)) > {{ var('high_rejection_share') }}
)

select * from int_row_alarms
