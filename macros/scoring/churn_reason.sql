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
            when recency_days <= mean_gap and {{ contribution }} <= 0 then '; the average gap is ' || {{ clientele.days_in_words('mean_gap') }} || ', so none is due yet'
            else '; the average gap is ' || {{ clientele.days_in_words('mean_gap') }} end
    {%- elif group == 'frequency' -%}
        'Days with an order in the last year: ' || cast(orders_365 as varchar)
        || ', in the last 90 days: ' || cast(orders_90 as varchar)
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
