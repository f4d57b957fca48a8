{# The probability that belongs to log odds.

   Arguments:
     score (string): SQL of the log odds. #}
{% macro sigmoid(score) -%}
    1 / (1 + exp(-least(greatest({{ score }}, -500), 500)))
{%- endmacro %}
