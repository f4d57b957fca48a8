{# A group's contribution to a churn score in words. Where the sign of a single feature says little
   (they go together), the words say what the customer is like, not what they did.

   Arguments:
     group (string): group of features, as the YAML of churn_model names it.
     contribution (string): SQL of the summed contribution; above 0 it speaks for leaving. #}
{% macro churn_reason(group, contribution) -%}
    {%- set typical = {
        'rhythm': 'Gaps between orders',
        'value': 'Order values',
        'basket': 'Baskets',
        'returns': 'Returns and discounts',
        'browsing': 'Visits',
    } -%}
    {%- if group == 'silence' -%}
        case when {{ contribution }} <= 0 or mean_gap is null or recency_days <= mean_gap
            then 'Last order ' || {{ clientele.days_in_words('recency_days') }} || ' ago'
            else 'No order for ' || {{ clientele.days_in_words('recency_days') }} end
        || case when mean_gap is null then ''
            when recency_days <= mean_gap then '; the average gap is ' || {{ clientele.days_in_words('mean_gap') }} || ', so none is due yet'
            else '; the average gap is ' || {{ clientele.days_in_words('mean_gap') }} end
    {%- elif group == 'frequency' -%}
        'Days with an order in the last year: ' || cast(orders_365 as varchar)
    {%- elif group == 'season' -%}
        case
            when orders_last_year > 0 then 'Ordered at this time last year'
            when tenure_days <= {{ 365 - var('churn_horizon_days') | int }} then 'Not yet a customer at this time last year'
            else 'No order at this time last year'
        end
    {%- else -%}
        '{{ typical.get(group, group | capitalize) }} like those of customers who '
        || case when {{ contribution }} > 0 then 'leave' else 'stay' end
    {%- endif -%}
{%- endmacro %}

{# A number of days in words: `1 day`, `31 days`.

   Arguments:
     days (string): SQL of the number, which is rounded. #}
{% macro days_in_words(days) -%}
    cast(cast(round({{ days }}) as integer) as varchar) || case when round({{ days }}) = 1 then ' day' else ' days' end
{%- endmacro %}

{# The group with the highest strength among those not yet named.

   Arguments:
     groups (list of strings): groups of features; each has a column strength_<group>.
     named (list of strings): columns that hold groups already named. #}
{% macro strongest_group(groups, named=[]) -%}
    {%- set strengths = [] -%}
    {%- for group in groups -%}
        {%- set strength -%}
            case when strength_{{ group }} < 0.05
            {%- for column in named %} or coalesce({{ column }} = '{{ group }}', false){% endfor %} then 0 else strength_{{ group }} end
        {%- endset -%}
        {%- do strengths.append(strength) -%}
    {%- endfor -%}
    case
        {%- for group in groups %}
            when {{ strengths[loop.index0] }} > 0
                and {{ strengths[loop.index0] }} >= greatest({{ strengths | join(', ') }}) then '{{ group }}'
        {%- endfor %}
        end
{%- endmacro %}
