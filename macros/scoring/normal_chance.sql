{# The chance that a standard normal number lies below z: 1 / (1 + exp(-0.07056 z^3 - 1.5976 z)), off by 0.00014 at most
   (Bowling, Khasawneh, Kaewkuekool and Cho 2009, A logistic approximation to the cumulative normal distribution).

   Arguments:
     z (string): SQL of the number. #}
{% macro normal_chance(z) -%}
    {{ clientele.sigmoid('(0.07056 * power(' ~ z ~ ', 3) + 1.5976 * (' ~ z ~ '))') }}
{%- endmacro %}

{# The number below which a standard normal one lies with a given chance: what normal_chance answers, solved for z
   (the one root of the cubic, by hyperbolic sines); off by 0.004 between 0.01 and 0.99, by 0.03 at 0.001.

   Arguments:
     chance (string): SQL of the chance, above 0 and below 1. #}
{% macro normal_quantile(chance) -%}
    2 * sqrt(1.5976 / 0.21168) * sinh(asinh(
        1.5 * ln({{ chance }} / (1 - {{ chance }})) / 1.5976 * sqrt(0.21168 / 1.5976)
    ) / 3)
{%- endmacro %}
