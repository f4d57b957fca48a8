{# How many order days of its own the typical value of an order day may be worth against a customer's, as a list:
   none is the customer's own mean, very many the typical value alone. The value model chooses one on past dates. #}
{% macro order_value_weights() -%}
    {{- return([0, 1, 2, 4, 8, 1000000]) -}}
{%- endmacro %}
