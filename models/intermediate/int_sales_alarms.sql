-- Grain: one row per alarm, severity, raw table and detail, of alarms that the accepted sales and returns raise.
with

order_lines as (
    select
        order_id,
        order_line_number,
        customer_id,
        product_id,
        order_status,
        has_unknown_status,
        is_cancelled,
        price_source,
        line_revenue
    from {{ ref('fct_order_lines') }}
),

totals as (
    select
        count(*) as line_count,
        count(customer_id) as customer_line_count,
        count(case when not is_cancelled then 1 end) as sold_count,
        sum(case when not is_cancelled then line_revenue else 0 end) as revenue
    from order_lines
),

statuses as (
    select
        order_status,
        count(distinct order_id) as order_count,
        sum(line_revenue) as amount
    from order_lines
    where has_unknown_status
    group by order_status
),

unknown_statuses as (
    select
        'unknown_status' as alarm,
        statuses.order_status as detail,
        statuses.order_count as record_count,
        statuses.amount,
        cast(statuses.amount as double) / nullif(totals.revenue, 0) as share
    from statuses
    cross join totals
),

missing_prices as (
    select
        'missing_price' as alarm,
        min(order_lines.product_id) as detail,
        count(*) as record_count,
        cast(null as decimal(18, 2)) as amount,
        cast(count(*) as double) / max(totals.line_count) as share
    from order_lines
    cross join totals
    where order_lines.price_source = 'unknown'
    having cast(count(*) as double) / max(totals.line_count) > {{ var('missing_price_share') }}
),

{% set masters = {'customer': 'stg_shop__customer_master', 'product': 'stg_shop__products'} -%}
{% for name, master in masters.items() -%}
{{ name }}_master as (
    select {{ name }}_id
    from {{ ref(master) }}
),

named_{{ name }}s as (
    select
        {{ name }}_id,
        count(*) as line_count,
        sum(case when not is_cancelled then line_revenue else 0 end) as amount
    from order_lines
    where {{ name }}_id is not null
    group by {{ name }}_id
),

unknown_{{ name }}s as (
    select
        'unknown_{{ name }}' as alarm,
        min(named_{{ name }}s.{{ name }}_id) as detail,
        sum(named_{{ name }}s.line_count) as record_count,
        sum(named_{{ name }}s.amount) as amount,
        cast(sum(named_{{ name }}s.line_count) as double)
        / max({{ 'totals.customer_line_count' if name == 'customer' else 'totals.line_count' }}) as share
    from named_{{ name }}s
    cross join totals
    left join {{ name }}_master
        on named_{{ name }}s.{{ name }}_id = {{ name }}_master.{{ name }}_id
    where
        {{ name }}_master.{{ name }}_id is null
        -- A shop without the master has none that fits.
        and exists (select 1 from {{ name }}_master)
),

{% endfor -%}
cut_refunds as (
    select
        'refund_cut' as alarm,
        min(return_id) as detail,
        count(*) as record_count,
        sum(refund_cut_amount) as amount
    from {{ ref('fct_returns') }}
    where refund_cut_amount > 0
    having count(*) > 0
),

refunds_cut as (
    select
        cut_refunds.alarm,
        cut_refunds.detail,
        cut_refunds.record_count,
        cut_refunds.amount,
        cast(cut_refunds.amount as double) / nullif(totals.revenue, 0) as share
    from cut_refunds
    cross join totals
),

largest_lines as (
    select *
    from order_lines
    where not is_cancelled
    order by line_revenue desc, order_id asc, product_id asc, order_line_number asc
    limit 2
),

largest_lines_compared as (
    select
        order_id,
        product_id,
        line_revenue,
        lead(line_revenue) over (order by line_revenue desc, order_id asc, product_id asc, order_line_number asc)
            as next_revenue
    from largest_lines
),

outliers as (
    select
        'outlier_amount' as alarm,
        'order ' || largest.order_id || ', product ' || largest.product_id as detail,
        1 as record_count,
        largest.line_revenue as amount,
        cast(largest.line_revenue as double) / totals.revenue as share
    from largest_lines_compared as largest
    cross join totals
    where
        largest.line_revenue > {{ var('outlier_amount_share') }} * totals.revenue
        -- Neither a wholesaler's usual line nor a large line of a shop with few.
        and largest.line_revenue > 5 * largest.next_revenue
        and largest.line_revenue * (totals.sold_count - 1) > 50 * (totals.revenue - largest.line_revenue)
),

product_stock as (
    select
        product_id,
        stock_quantity,
        units_sold_since_count
    from {{ ref('int_product_stock') }}
),

outlived_counts as (
    select
        'sold_beyond_count' as alarm,
        min(case when units_sold_since_count > stock_quantity then product_id end) as detail,
        count(case when units_sold_since_count > stock_quantity then 1 end) as record_count,
        cast(null as decimal(18, 2)) as amount,
        cast(count(case when units_sold_since_count > stock_quantity then 1 end) as double) / nullif(count(*), 0) as share
    from product_stock
),

raised as (
    select * from unknown_statuses
    union all
    select * from missing_prices
    union all
    select * from unknown_customers
    where share > {{ var('unknown_id_share') }}
    union all
    select * from unknown_products
    where share > {{ var('unknown_id_share') }}
    union all
    select
        alarm,
        detail,
        record_count,
        amount,
        share
    from {{ ref('int_lone_orders') }}
    union all
    select * from outliers
    union all
    select * from refunds_cut
    union all
    select * from outlived_counts
    where share > {{ var('sold_beyond_count_share') }}
),

int_sales_alarms as (
    select
        alarm,
        'warn' as severity,
        case alarm
            when 'refund_cut' then 'returns'
            when 'sold_beyond_count' then 'inventory'
            else 'orders'
        end as entity,
        detail,
        record_count,
        amount,
        share
    from raised
)

select * from int_sales_alarms
