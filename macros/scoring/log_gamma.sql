{# The logarithm of the gamma function above 0. Stirling's series at x + 6 (Abramowitz and Stegun 6.1.40), led
   back by the product of the steps between: right to 1e-9. Snowflake has no such function.

   Arguments:
     x (string): SQL of a double above 0. #}
{% macro log_gamma(x) -%}
    (
        ({{ x }} + 5.5) * ln({{ x }} + 6) - ({{ x }} + 6) + 0.918938533204672742
        + 1 / (12 * ({{ x }} + 6)) - 1 / (360 * power({{ x }} + 6, 3)) + 1 / (1260 * power({{ x }} + 6, 5))
        - ln({{ x }}) - ln({{ x }} + 1) - ln({{ x }} + 2) - ln({{ x }} + 3) - ln({{ x }} + 4) - ln({{ x }} + 5)
    )
{%- endmacro %}
