-- Grain: one row per raw row of an order whose rows need a look at each other, and per raw row without an order.
-- base_shop__order_rows is named several times instead of imported once, because DuckDB would copy an
-- import that is read several times.
{%- set header = ['customer_id', 'order_status', 'channel', 'shipping_address', 'currency', 'ordered_at'] %}
{%- set amounts = ['unit_price', 'discount_amount', 'line_total'] %}
with

-- Few orders need a review, and hashes alone find them, so only these are sorted: on ten million rows a
-- tenth of the work of sorting all. A hash that two orders share costs the other a needless review.
orders_to_review as (
    -- Copies, and lines of one product.
    select min(hash(order_id)) as order_hash
    from {{ ref('base_shop__order_rows') }}
    group by hash(order_id, product_id)
    having count(*) > 1
    union all
    -- Versions of a line.
    select min(hash(order_id)) as order_hash
    from {{ ref('base_shop__order_rows') }}
    where order_line_id is not null
    group by hash(order_id, order_line_id)
    having count(*) > 1
    union all
    -- Several customers; what stands on some lines only; dates far apart; a discount above its line.
    select hash(order_id) as order_hash
    from {{ ref('base_shop__order_rows') }}
    group by hash(order_id)
    having
        count(*) > 1
        and (
            min(hash(
                customer_id
                {%- for column in header if column != 'customer_id' -%} , {{ column }} is null {%- endfor %}
            )) <> max(hash(
                customer_id
                {%- for column in header if column != 'customer_id' -%} , {{ column }} is null {%- endfor %}
            ))
            or {{ dbt.datediff('min(ordered_at)', 'max(ordered_at)', 'day') }} > {{ var('order_span_days') }}
            or max(mendable_rule) is not null
        )
    union all
    -- Money to convert.
    select hash(order_id) as order_hash
    from {{ ref('base_shop__order_rows') }}
    where currency in (select exchange_rates.currency from {{ ref('exchange_rates') }} as exchange_rates)
),

records as (
    {{ order_records('order_id is null or hash(order_id) in (select orders_to_review.order_hash from orders_to_review)') }}
),

numbered_copies as (
    select
        *,
        faulty_rule is null as is_sound,
        row_number() over (
            partition by {% for column in raw_columns('orders') %}raw_{{ column }}, {% endfor %}raw_landing_record, landing_rest, landing_rule
            order by order_id
        ) as copy_number
    from records
),

ranked_versions as (
    select
        *,
        row_number() over (
            partition by order_id, order_line_id, copy_number, is_sound, is_after
            order by
                updated_at desc nulls last,
                {% for column in raw_columns('orders') -%}
                raw_{{ column }} desc nulls last,
                {% endfor -%}
                raw_landing_record desc nulls last
        ) as version_rank
    from numbered_copies
),

distinct_lines as (
    select
        *,
        case
            when faulty_rule is not null then faulty_rule
            when is_after then null
            {%- if var('identical_lines') == 'keep' %}
            when copy_number > 1 and order_line_id is not null then 'exact_duplicate'
            {%- else %}
            when copy_number > 1 then 'exact_duplicate'
            {%- endif %}
            when version_rank > 1 and order_line_id is not null then 'superseded'
        end as line_rule
    from ranked_versions
),

-- What an order's rows may say of it: not what was overtaken, nor what a replayed day does not know.
voices as (
    select
        *,
        is_sound and not is_after and line_rule is null as is_line,
        order_id is not null and not is_after and coalesce(line_rule, '') not in ('exact_duplicate', 'superseded')
            as is_heard,
        ordered_at between cast('1990-01-01' as date) and {{ run_started() }} as is_day_possible
    from distinct_lines
),

filled as (
    select
        order_line_id,
        order_id,
        product_id,
        quantity,
        unit_price,
        discount_amount,
        line_total,
        updated_at,
        is_after,
        is_sound,
        is_line,
        line_rule,
        copy_number,
        mendable_rule,
        landing_rule,
        {% for column in raw_columns('orders') + ['landing_record'] -%}
        raw_{{ column }},
        {% endfor -%}
        is_placeholder_customer as has_placeholder,
        -- A field that stands on some of an order's lines only holds for all of them, if they agree on it.
        {% for column in header -%}
        {%- set heard = "case when is_heard" ~ (" and is_day_possible" if column == 'ordered_at') ~ " then " ~ column ~ " end" -%}
        case
            when {{ column }} is not null or not is_heard then {{ column }}
            when min({{ heard }}) over (partition by order_id) = max({{ heard }}) over (partition by order_id)
                then min({{ heard }}) over (partition by order_id)
        end as {{ column }},
        {% endfor -%}
        min(case when is_line then customer_id end) over (partition by order_id)
        <> max(case when is_line then customer_id end) over (partition by order_id) as has_several_customers,
        {{ dbt.datediff(
            'min(case when is_line then ordered_at end) over (partition by order_id)',
            'max(case when is_line then ordered_at end) over (partition by order_id)',
            'day',
        ) }} > {{ var('order_span_days') }} as has_dates_far_apart
    from voices
),

exchange_rates as (
    select
        currency,
        rate
    from {{ ref('exchange_rates') }}
),

converted as (
    select
        {% for amount in amounts -%}
        case
            when exchange_rates.rate is null then filled.{{ amount }}
            -- Above any amount that is accepted, so that totals keep room.
            when cast(filled.{{ amount }} as double) * cast(exchange_rates.rate as double) >= 1000000000 then 1000000000
            else cast(
                round(cast(filled.{{ amount }} as double) * cast(exchange_rates.rate as double), {{ 10 if amount == 'unit_price' else 4 }})
                as {{ 'decimal(38, 10)' if amount == 'unit_price' else 'decimal(18, 4)' }}
            )
        end as own_{{ amount }},
        {% endfor -%}
        filled.*
    from filled
    left join exchange_rates
        on filled.currency = exchange_rates.currency
),

checked as (
    select
        *,
        case
            when not is_sound then line_rule
            when line_rule is not null then line_rule
            when is_after then null
            when has_several_customers or has_dates_far_apart then 'conflicting_order'
            when ordered_at is null then 'invalid_order_date'
            when own_unit_price >= 1000000000 then 'invalid_unit_price'
            when own_discount_amount >= 1000000000 then 'invalid_discount_amount'
            when own_line_total >= 1000000000 then 'invalid_line_total'
        end as checked_rule,
        cast(cast(quantity as bigint) * own_unit_price as decimal(28, 4)) as worth
    from converted
),

-- A discount above its line is one on the order, unless the order is not worth it either: it is spread
-- over what the lines are worth after their own discounts.
discounts as (
    select
        *,
        mendable_rule = 'invalid_discount_amount' and is_line and checked_rule is null as is_order_discount,
        case
            when not is_line or checked_rule is not null or line_total is not null then 0
            when mendable_rule = 'invalid_discount_amount' then coalesce(worth, 0)
            else coalesce(greatest(worth - own_discount_amount, 0), 0)
        end as room
    from checked
),

totals as (
    select
        *,
        sum(case when is_order_discount then own_discount_amount end) over (partition by order_id) as order_discount,
        sum(room) over (partition by order_id) as order_room,
        sum(room) over (
            partition by order_id
            order by
                room desc, order_line_id, product_id,
                {% for column in raw_columns('orders') -%}
                raw_{{ column }},
                {% endfor -%}
                copy_number
            rows between unbounded preceding and current row
        ) as room_so_far
    from discounts
),

-- In cents, by rounding what the lines have got so far: the shares add up, and none is above its line.
spread as (
    select
        *,
        case
            when order_id is not null and order_discount <= order_room + 0.01 and order_room > 0 then cast(
                round(cast(order_discount * 100 as double) * cast(room_so_far as double) / cast(order_room as double)) / 100
                - round(cast(order_discount * 100 as double) * cast(room_so_far - room as double) / cast(order_room as double)) / 100
                as decimal(18, 2)
            )
        end as discount_share
    from totals
),

reviewed as (
    select
        order_id,
        order_line_id,
        customer_id,
        has_placeholder and customer_id is null as is_placeholder_customer,
        product_id,
        shipping_address,
        order_status,
        channel,
        quantity,
        own_unit_price as unit_price,
        case
            when discount_share is null then own_discount_amount
            when is_order_discount then discount_share
            else own_discount_amount + discount_share
        end as discount_amount,
        own_line_total as line_total,
        currency,
        ordered_at,
        updated_at,
        copy_number,
        is_after,
        {% for column in raw_columns('orders') + ['landing_record'] -%}
        raw_{{ column }},
        {% endfor -%}
        case
            when is_order_discount and discount_share is null then 'invalid_discount_amount'
            else checked_rule
        end as broken_rule
    from spread
),

judged as (
    select
        *,
        {{ line_amount() }} as line_amount,
        {{ record_status('is_after') }} as record_status,
        case when broken_rule is not null then {{ raw_record('orders') }} end as raw_record
    from reviewed
),

numbered as (
    select
        *,
        row_number() over (
            partition by order_id, product_id, record_status
            order by
                ordered_at, length(order_line_id), order_line_id,
                {% for column in raw_columns('orders') + ['landing_record'] -%}
                raw_{{ column }},
                {% endfor -%}
                copy_number
        ) as order_line_number
    from judged
),

base_shop__reviewed_orders as (
    select {{ order_columns() | join(', ') }}
    from numbered
)

select * from base_shop__reviewed_orders
