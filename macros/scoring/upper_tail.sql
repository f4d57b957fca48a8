{# The chance of a value at least as large, from two quantiles of the shop's own values: beyond the 90th percentile the
   tail falls as an exponential does that goes through it and the 98th. On logarithms that is a Pareto tail, which is
   heavier than a log-normal one, so that chances are rather too large than too small (Weissman 1978, Journal of the
   American Statistical Association 73). Below the 90th percentile nothing is told: 1.

   Arguments:
     value (string): SQL of the value.
     lower (string): SQL of the 90th percentile.
     upper (string): SQL of the 98th percentile.
     least_scale (number): the scale is at least this, where most values are equal. #}
{% macro upper_tail(value, lower, upper, least_scale) -%}
    case
        when {{ value }} <= {{ lower }} then 1
        else 0.1 * exp(-least(({{ value }} - {{ lower }}) / greatest(({{ upper }} - {{ lower }}) / ln(5), {{ least_scale }}), 600))
    end
{%- endmacro %}
