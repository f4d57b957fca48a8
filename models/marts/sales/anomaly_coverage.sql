-- Grain: one row per way of looking for anomalies, those that could judge nothing included. flagged_count adds up to the
-- rows of order_anomalies and return_anomalies; the other counts do not, since each way looks at the same orders.
with

order_sizes as (
    select
        order_id,
        is_value_judged,
        is_units_judged
    from {{ ref('int_order_sizes') }}
),

order_speeds as (
    select order_id
    from {{ ref('int_order_speeds') }}
),

order_addresses as (
    select order_id
    from {{ ref('int_order_addresses') }}
),

return_rates as (
    select
        entity_type,
        sold_count,
        has_shop_returns,
        is_judged
    from {{ ref('int_return_rates') }}
),

order_anomalies as (
    select
        count(case when reason_code in ('value', 'new_customer_value') then 1 end) as value_count,
        count(case when reason_code = 'quantity' then 1 end) as units_count,
        count(case when reason_code = 'speed' then 1 end) as speed_count,
        count(case when reason_code = 'addresses' then 1 end) as addresses_count
    from {{ ref('order_anomalies') }}
),

return_anomalies as (
    select
        count(case when entity_type = 'customer' then 1 end) as customers_count,
        count(case when entity_type = 'product' then 1 end) as products_count
    from {{ ref('return_anomalies') }}
),

orders as (
    select
        count(*) as entity_count,
        count(case when order_sizes.is_value_judged then 1 end) as value_count,
        count(case when order_sizes.is_units_judged then 1 end) as units_count,
        count(order_speeds.order_id) as speed_count,
        count(order_addresses.order_id) as addresses_count
    from order_sizes
    left join order_speeds
        on order_sizes.order_id = order_speeds.order_id
    left join order_addresses
        on order_sizes.order_id = order_addresses.order_id
),

return_counts as (
    select
        count(case when entity_type = 'customer' then 1 end) as customers_count,
        count(case when entity_type = 'customer' and is_judged then 1 end) as judged_customers_count,
        count(case when entity_type = 'product' then 1 end) as products_count,
        count(case when entity_type = 'product' and is_judged then 1 end) as judged_products_count,
        count(case when has_shop_returns then 1 end) > 0 as has_shop_returns
    from return_rates
),

ways as (
    {%- for way, reason in {
        'value': 'Without revenue, or fewer than 100 orders of its kind to compare with: of new customers, or of others.',
        'units': 'Fewer than 100 orders in all to compare with.',
        'speed': 'Without a customer.',
        'addresses': 'Without a customer, or without a shipping address.',
    }.items() %}
    select
        'order' as entity_type,
        '{{ way }}' as judged_by,
        orders.entity_count,
        orders.{{ way }}_count as judged_count,
        order_anomalies.{{ way }}_count as flagged_count,
        '{{ reason }}' as reason
    from orders
    cross join order_anomalies
    union all
    {%- endfor %}
    {%- for entity, doing in {'customer': 'Bought', 'product': 'Sold'}.items() %}
    select
        '{{ entity }}' as entity_type,
        'returns' as judged_by,
        return_counts.{{ entity }}s_count as entity_count,
        return_counts.judged_{{ entity }}s_count as judged_count,
        return_anomalies.{{ entity }}s_count as flagged_count,
        case
            when return_counts.has_shop_returns
                then '{{ doing }} less than {{ var("anomaly_return_lines") }} times.'
            else 'The shop has no returns of products.'
        end as reason
    from return_counts
    cross join return_anomalies
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

anomaly_coverage as (
    select
        entity_type,
        judged_by,
        cast(entity_count as integer) as entity_count,
        cast(judged_count as integer) as judged_count,
        cast(flagged_count as integer) as flagged_count,
        case
            when entity_count = 0 then 'There is none.'
            when judged_count < entity_count then reason
        end as unjudged_reason,
        {{ as_of_date() }} as as_of_date
    from ways
)

select * from anomaly_coverage
