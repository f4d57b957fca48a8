{# Recency, frequency, monetary and their scores, one row per customer and snapshot date.

   Arguments:
     activities (string): relation or CTE with customer_id, activity_date, order_count (1 for a valid order, 0 for a
       return), revenue and refund.
     snapshot_dates (string): relation or CTE with the column snapshot_date. Only what happened before a
       snapshot date counts towards it. #}
{% macro rfm_history(activities, snapshot_dates) -%}
    select
        customer_id,
        snapshot_date,
        recency_days,
        frequency,
        monetary,
        net_monetary,
        {{ clientele.rfm_score('recency_days', 'desc') }} as r_score,
        {{ clientele.rfm_score('frequency') }} as f_score,
        {{ clientele.rfm_score(clientele.scored_monetary()) }} as m_score
    from (
        select
            {{ activities }}.customer_id,
            {{ snapshot_dates }}.snapshot_date,
            {{ dbt.datediff(
                'max(case when ' ~ activities ~ '.order_count > 0 then ' ~ activities ~ '.activity_date end)',
                snapshot_dates ~ '.snapshot_date', 'day',
            ) }} as recency_days,
            sum({{ activities }}.order_count) as frequency,
            cast(sum({{ activities }}.revenue) as decimal(18, 2)) as monetary,
            cast(sum({{ activities }}.revenue) - sum({{ activities }}.refund) as decimal(18, 2)) as net_monetary
        from {{ activities }}
        inner join {{ snapshot_dates }}
            on {{ activities }}.activity_date < {{ snapshot_dates }}.snapshot_date
        group by 1, 2
        having sum({{ activities }}.order_count) > 0
    ) as recency_frequency_monetary
{%- endmacro %}
