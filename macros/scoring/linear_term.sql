{# What one feature contributes to a sum, and its indicator of unknown values; reads the columns inside
   score_linear.

   Arguments:
     column (string): the feature.
     term (mapping): feature and transform. #}
{% macro linear_term(column, term) -%}
    {%- set learnt = 'learnt.' ~ term.feature ~ '_' ~ term.transform -%}
    {%- set value = 'cast(' ~ column ~ ' as double)' -%}
    {%- set transformed = {
        'signed_log': 'sign(' ~ value ~ ') * ln(1 + abs(' ~ value ~ '))',
        'above': 'case when ' ~ value ~ ' > ' ~ learnt ~ '_fill_value then 1 else 0 end',
    }.get(term.transform, value) -%}
    {%- set contribution = learnt ~ '_coefficient * least(greatest((' ~ transformed ~ ' - ' ~ learnt ~ '_mean_value) / '
        ~ learnt ~ '_scale_value, -6), 6) + ' ~ learnt ~ '_known' -%}
    {%- if term.transform == 'above' -%}
        {{ contribution }}
    {%- else -%}
        case when {{ column }} is null then {{ learnt }}_unknown else {{ contribution }} end
    {%- endif -%}
{%- endmacro %}
