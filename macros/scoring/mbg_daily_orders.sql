{# Logarithm of the order days per day that an MBG/NBD model expects of a customer over a horizon; the same
   as log_daily_orders in models/ml/value_model.py. Reads the columns that mbg_features adds.

   Arguments:
     horizon (integer): days ahead. #}
{% macro mbg_daily_orders(horizon) -%}
    {%- set fading = 'greatest(mbg_rate * mbg_a / (mbg_a + mbg_b + order_days) * ' ~ horizon ~ ', 0.000000001)' -%}
    ln(greatest(mbg_alive_chance * mbg_rate * (1 - exp(-{{ fading }})) / {{ fading }}, 0.000000000001))
{%- endmacro %}
