{# Quintile of a value among the customers of one snapshot date: 1 + floor(5 x percent_rank), at most 5.
   Equal values get equal scores; the lowest value scores 1, and a customer alone scores 1. Divided as
   doubles: Snowflake rounds a quotient of whole numbers to six places, which moves the edges of a shop of
   more than two million customers.

   Arguments:
     value (string): the column to score; the highest value is best.
     direction (string): `asc`, or `desc` where the lowest value is best. #}
{% macro rfm_score(value, direction='asc') -%}
    cast(least(5, 1 + floor(
        cast(5 * (rank() over (partition by snapshot_date order by {{ value }} {{ direction }}) - 1) as double)
        / greatest(count(*) over (partition by snapshot_date) - 1, 1)
    )) as integer)
{%- endmacro %}

{# Recency, frequency, monetary and their scores, one row per customer and snapshot date.

   Arguments:
     orders (string): relation or CTE of valid orders: customer_id, order_id, order_date, order_revenue.
     snapshot_dates (string): relation or CTE with the column snapshot_date. Only orders before a
       snapshot date count towards it. #}
{% macro rfm_history(orders, snapshot_dates) -%}
    select
        customer_id,
        snapshot_date,
        recency_days,
        frequency,
        monetary,
        {{ clientele.rfm_score('recency_days', 'desc') }} as r_score,
        {{ clientele.rfm_score('frequency') }} as f_score,
        {{ clientele.rfm_score('monetary') }} as m_score
    from (
        select
            {{ orders }}.customer_id,
            {{ snapshot_dates }}.snapshot_date,
            {{ dbt.datediff('max(' ~ orders ~ '.order_date)', snapshot_dates ~ '.snapshot_date', 'day') }} as recency_days,
            count(*) as frequency,
            cast(sum({{ orders }}.order_revenue) as decimal(18, 2)) as monetary
        from {{ orders }}
        inner join {{ snapshot_dates }}
            on {{ orders }}.order_date < {{ snapshot_dates }}.snapshot_date
        group by 1, 2
    ) as recency_frequency_monetary
{%- endmacro %}
