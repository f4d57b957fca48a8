-- Grain: one row per order that looks fraudulent. Money adds up; scores and the expected false alarms, the same on each
-- row, do not.
{%- set signals = ['value', 'units', 'speed', 'address'] %}
with

order_sizes as (
    select
        order_id,
        customer_id,
        order_date,
        order_revenue,
        is_new_customer,
        value_ratio,
        unit_count,
        value_chance,
        units_chance
    from {{ ref('int_order_sizes') }}
),

order_speeds as (
    select
        order_id,
        near_order_count,
        speed_chance
    from {{ ref('int_order_speeds') }}
),

order_addresses as (
    select
        order_id,
        sent_count,
        new_address_count,
        address_chance
    from {{ ref('int_order_addresses') }}
),

-- The least of four chances, times four (Bonferroni): holds however the four hang together.
order_signals as (
    select
        order_sizes.order_id,
        order_sizes.customer_id,
        order_sizes.order_date,
        order_sizes.order_revenue,
        order_sizes.is_new_customer,
        order_sizes.value_ratio,
        order_sizes.unit_count,
        order_speeds.near_order_count,
        order_addresses.new_address_count,
        order_addresses.sent_count,
        order_sizes.value_chance,
        order_sizes.units_chance,
        order_speeds.speed_chance,
        order_addresses.address_chance,
        4 * least(
            order_sizes.value_chance,
            order_sizes.units_chance,
            coalesce(order_speeds.speed_chance, 1),
            coalesce(order_addresses.address_chance, 1)
        ) as order_chance
    from order_sizes
    left join order_speeds
        on order_sizes.order_id = order_speeds.order_id
    left join order_addresses
        on order_sizes.order_id = order_addresses.order_id
),

judged as (
    select count(*) as judged_count
    from order_signals
),

suspects as (
    select
        *,
        row_number() over (order by order_chance, order_id) as suspect_number
    from order_signals
    where order_chance <= 0.01
),

-- Benjamini and Hochberg (1995), Journal of the Royal Statistical Society B 57: the largest chance at which the
-- orders that ordinary ones would give, judged x chance, are at most this share of those found.
cut_off as (
    select
        max(suspects.order_chance) as order_chance,
        max(suspects.order_chance) * max(judged.judged_count) as expected_false_alarm_count
    from suspects
    cross join judged
    where suspects.order_chance * judged.judged_count <= {{ var('anomaly_false_share') }} * suspects.suspect_number
),

flagged as (
    select
        suspects.*,
        cut_off.expected_false_alarm_count
    from suspects
    inner join cut_off
        on suspects.order_chance <= cut_off.order_chance
),

reasons as (
    {%- for signal in signals %}
    select
        order_id,
        {{ loop.index }} as signal_number,
        {{ signal }}_chance as chance,
        {% if signal == 'value' -%}
        case when is_new_customer then 'new_customer_value' else 'value' end as reason_code,
        'worth ' || cast(cast(floor(value_ratio) as bigint) as varchar) || ' times what '
        || case when is_new_customer then 'a new customer spends' else 'is usual for the customer and the shop' end as reason
        {%- elif signal == 'units' -%}
        'quantity' as reason_code,
        cast(unit_count as varchar) || ' units on one line' as reason
        {%- elif signal == 'speed' -%}
        'speed' as reason_code,
        cast(near_order_count + 1 as varchar) || case when near_order_count >= 10 then ' or more' else '' end
        || ' orders of the customer within a day of this one' as reason
        {%- else -%}
        'addresses' as reason_code,
        cast(new_address_count as varchar) || case when new_address_count = 1 then ' new address' else ' new addresses' end
        || ' on ' || cast(sent_count as varchar) || ' orders within a week of this one' as reason
        {%- endif %}
    from flagged
    where {{ signal }}_chance <= 0.01
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

ordered_reasons as (
    select
        order_id,
        reason_code,
        reason,
        row_number() over (partition by order_id order by chance, signal_number) as reason_number
    from reasons
),

told as (
    select
        order_id,
        max(case when reason_number = 1 then reason_code end) as reason_code,
        max(case when reason_number = 1 then upper(left(reason, 1)) || substring(reason, 2) end)
        || coalesce('; ' || max(case when reason_number = 2 then reason end), '')
        || coalesce('; ' || max(case when reason_number = 3 then reason end), '')
        || coalesce('; ' || max(case when reason_number = 4 then reason end), '') as reason
    from ordered_reasons
    group by 1
),

order_anomalies as (
    select
        flagged.order_id,
        flagged.customer_id,
        flagged.order_date,
        flagged.order_revenue,
        round(-ln(greatest(flagged.order_chance, 1e-12)) / ln(10), 6) as anomaly_score,
        told.reason,
        told.reason_code,
        flagged.expected_false_alarm_count,
        {{ as_of_date() }} as as_of_date
    from flagged
    inner join told
        on flagged.order_id = told.order_id
)

select * from order_anomalies
