-- Grain: one row per order of a customer that was sent somewhere. Nothing adds up. Counts addresses, never tells one.
{%- set neighbours = range(1, 6) %}
{%- set window = 7 * 86400 %}
with

orders as (
    select
        order_id,
        customer_id,
        ordered_at
    from {{ ref('fct_orders') }}
    where not is_cancelled and customer_id is not null
),

addresses as (
    select
        order_id,
        -- One order, one address: where its lines disagree, the smallest holds.
        min(lower(shipping_address)) as shipping_address
    from {{ ref('stg_shop__orders') }}
    where shipping_address is not null
    group by 1
),

numbered as (
    select
        orders.order_id,
        orders.customer_id,
        orders.ordered_at,
        row_number() over (
            partition by orders.customer_id, addresses.shipping_address
            order by orders.ordered_at, orders.order_id
        ) as address_use,
        row_number() over (partition by orders.customer_id order by orders.ordered_at, orders.order_id) as sent_number
    from orders
    inner join addresses
        on orders.order_id = addresses.order_id
),

order_addresses as (
    select
        order_id,
        customer_id,
        ordered_at,
        -- The first address of all is no change.
        address_use = 1 and sent_number > 1 as is_new_address
    from numbered
),

address_neighbourhoods as (
    select
        {% for number in neighbours -%}
        lag(ordered_at, {{ number }}) over (partition by customer_id order by ordered_at, order_id) as before_{{ number }},
        lead(ordered_at, {{ number }}) over (partition by customer_id order by ordered_at, order_id) as after_{{ number }},
        lag(is_new_address, {{ number }}) over (partition by customer_id order by ordered_at, order_id)
            as is_new_before_{{ number }},
        lead(is_new_address, {{ number }}) over (partition by customer_id order by ordered_at, order_id)
            as is_new_after_{{ number }},
        {% endfor -%}
        order_id,
        customer_id,
        ordered_at,
        is_new_address
    from order_addresses
),

near_addresses as (
    select
        order_id,
        customer_id,
        1
        {%- for number in neighbours %}
        + case when {{ dbt.datediff('before_' ~ number, 'ordered_at', 'second') }} < {{ window }} then 1 else 0 end
        + case when {{ dbt.datediff('ordered_at', 'after_' ~ number, 'second') }} < {{ window }} then 1 else 0 end
        {%- endfor %} as sent_count,
        case when is_new_address then 1 else 0 end
        {%- for number in neighbours %}
        + case
            when is_new_before_{{ number }} and {{ dbt.datediff('before_' ~ number, 'ordered_at', 'second') }} < {{ window }}
                then 1
            else 0
        end
        + case
            when is_new_after_{{ number }} and {{ dbt.datediff('ordered_at', 'after_' ~ number, 'second') }} < {{ window }}
                then 1
            else 0
        end
        {%- endfor %} as new_address_count
    from address_neighbourhoods
),

customer_addresses as (
    select
        customer_id,
        count(*) as order_count,
        count(case when is_new_address then 1 end) as new_address_count
    from order_addresses
    group by 1
),

-- Someone moves house in any shop: a share below 2 % is not believed.
shop_addresses as (
    select
        greatest(0.02, cast(sum(new_address_count) as double) / greatest(sum(order_count - 1), 1))
            as new_address_share
    from customer_addresses
),

addressed as (
    select
        near_addresses.order_id,
        near_addresses.sent_count,
        near_addresses.new_address_count,
        -- The customer's own share, elsewhere, with the shop's for 20 orders.
        (customer_addresses.new_address_count - near_addresses.new_address_count + 20 * shop_addresses.new_address_share)
        / (customer_addresses.order_count - near_addresses.sent_count + 20) as new_address_share
    from near_addresses
    inner join customer_addresses
        on near_addresses.customer_id = customer_addresses.customer_id
    cross join shop_addresses
),

int_order_addresses as (
    select
        order_id,
        cast(sent_count as integer) as sent_count,
        cast(new_address_count as integer) as new_address_count,
        cast(
            least(
                1,
                1.0
                {%- for number in range(1, 7) %}
                * case
                    when new_address_count >= {{ number }}
                        then (sent_count - {{ number - 1 }}) * new_address_share / {{ number }}
                    else 1
                end
                {%- endfor %}
            ) as double
        ) as address_chance
    from addressed
)

select * from int_order_addresses
