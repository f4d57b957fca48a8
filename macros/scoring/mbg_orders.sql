{# Days with an order that an MBG/NBD model expects of a customer; reads the columns inside
   expected_orders.

   Arguments:
     horizon (integer): days ahead. #}
{% macro mbg_orders(horizon) -%}
    mbg_alive_chance * (
            low_weight * (1 - power(1 + leaving_low * {{ horizon }} / (mbg_alpha + tenure_days), 1 - mbg_r - order_days)) / leaving_low
            + (1 - low_weight) * (1 - power(1 + leaving_high * {{ horizon }} / (mbg_alpha + tenure_days), 1 - mbg_r - order_days)) / leaving_high
        )
{%- endmacro %}
