{# A limit of the 95 % interval of a share (Wilson 1927, doi 10.1080/01621459.1927.10502953).

   Arguments:
     hits (string): SQL of the number who did.
     trials (string): SQL of the number who could, above 0.
     side (string): `-` for the lower limit, `+` for the upper one. #}
{% macro wilson_limit(hits, trials, side) -%}
    {%- set z = 1.959964 -%}
    {%- set share = "cast(" ~ hits ~ " as double) / " ~ trials -%}
    ({{ share }} + {{ z * z / 2 }} / {{ trials }} {{ side }} {{ z }} * sqrt({{ share }} * (1 - {{ share }}) / {{ trials }} + {{ z * z / 4 }} / (cast({{ trials }} as double) * {{ trials }}))) / (1 + {{ z * z }} / {{ trials }})
{%- endmacro %}
