{# What base_shop__orders says of a row, in order: shared by its two halves. #}
{% macro order_columns() -%}
    {{- return([
        'order_id', 'order_line_id', 'order_line_number', 'customer_id', 'is_placeholder_customer', 'product_id',
        'shipping_address', 'order_status', 'channel', 'quantity', 'unit_price', 'discount_amount', 'line_total', 'currency',
        'ordered_at', 'updated_at', 'line_amount', 'record_status', 'copy_number', 'broken_rule', 'raw_record',
    ]) -}}
{%- endmacro %}

{# Money of an order row, as it stands on the row: null when it has no price. #}
{% macro line_amount() -%}
    cast(coalesce(line_total, cast(quantity as bigint) * unit_price - discount_amount) as decimal(18, 2))
{%- endmacro %}
