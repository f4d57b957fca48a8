{# Select of order rows with their raw texts whole again: base_shop__order_rows leaves a raw text out where its
   kept form is the same.

   Arguments:
     condition (string): which rows. #}
{% macro order_records(condition) %}
    {%- set shortened = ['order_id', 'order_line_id', 'customer_id', 'product_id', 'shipping_address', 'order_status', 'channel', 'currency'] %}
    {%- set kept = ['is_placeholder_customer', 'quantity', 'unit_price', 'discount_amount', 'line_total', 'ordered_at', 'updated_at',
        'is_after', 'faulty_rule', 'mendable_rule', 'raw_quantity', 'raw_unit_price', 'raw_discount_amount', 'raw_line_total',
        'raw_order_date', 'raw_updated_at', 'raw_landing_record', 'landing_rest', 'landing_rule'] %}
    select
        {% for column in shortened -%}
        {{ column }},
        coalesce(raw_{{ column }}, {{ column }}) as raw_{{ column }},
        {% endfor -%}
        {{ kept | join(', ') }}
    from {{ ref('base_shop__order_rows') }}
    where {{ condition }}
{% endmacro %}
