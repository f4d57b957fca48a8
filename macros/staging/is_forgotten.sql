{# SQL that is true for the id of a customer who asked to be forgotten (`run-operation forget_customer`).

   Arguments:
     customer_id (string): a cleaned id. #}
{% macro is_forgotten(customer_id) -%}
    coalesce({{ customer_id }} in (
        select forgotten_customers.customer_id from {{ ref('forgotten_customers') }} as forgotten_customers
    ), false)
{%- endmacro %}
