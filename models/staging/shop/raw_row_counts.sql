-- Grain: one row per raw table and fate of its rows. Counts and money add up.
{%- set entities = raw_entities() %}
with

{% for entity in entities -%}
{{ entity }} as (
    select
        '{{ entity }}' as entity,
        record_status,
        broken_rule,
        {% if entity == 'orders' -%}
        order_line_id is not null as has_line_id,
        is_placeholder_customer,
        line_amount
        {%- else -%}
        false as has_line_id,
        false as is_placeholder_customer,
        cast({{ 'refund_amount' if entity == 'returns' else 'null' }} as decimal(18, 2)) as line_amount
        {%- endif %}
    from {{ ref('base_shop__' ~ entity) }}
),

{% endfor -%}
raw_rows as (
    {% for entity in entities -%}
    select * from {{ entity }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

raw_row_counts as (
    select
        entity,
        record_status,
        broken_rule,
        has_line_id,
        is_placeholder_customer,
        cast(count(*) as bigint) as row_count,
        cast(sum(line_amount) as decimal(18, 2)) as line_amount
    from raw_rows
    group by 1, 2, 3, 4, 5
)

select * from raw_row_counts
