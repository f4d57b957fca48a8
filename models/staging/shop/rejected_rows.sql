-- Grain: one row per rejected raw row, exact copies included.
{%- set keys = {
    'orders': ['order_id', 'product_id'],
    'customers': ['customer_id'],
    'products': ['product_id'],
    'inventory': ['product_id', 'warehouse_id'],
    'returns': ['return_id'],
    'events': ['event_id'],
    'campaign_contacts': ['customer_id', 'campaign'],
    'api_predictions': ['customer_id', 'model_version'],
} %}
with

{% for entity, key in keys.items() -%}
{{ entity }} as (
    select
        '{{ entity }}' as entity,
        {% for column in key -%}
        coalesce({{ column }}, ''){{ " || '|' || " if not loop.last }}
        {%- endfor %} as record_key,
        broken_rule as rule,
        copy_number,
        raw_record
    from {{ ref('base_shop__' ~ entity) }}
    where record_status = 'rejected'
),

{% endfor -%}
rejected_rows as (
    {% for entity in keys -%}
    select
        entity,
        record_key,
        rule,
        copy_number,
        raw_record
    from {{ entity }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select * from rejected_rows
