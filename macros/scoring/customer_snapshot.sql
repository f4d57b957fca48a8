{# What is known of every customer on each of some days, from the days before it only: recency, frequency,
   monetary and their scores, order values, gaps between order days, counts and values by window,
   baskets, discounts, returns, events. One row per day and customer with an order before it.

   An order day is a day with one or more orders: two orders of one day tell no more about the next
   purchase than one. Sums are taken over integers and decimals, which add up to the same bits in any
   order; doubles appear only after them.

   Arguments:
     dates (list of strings): the days, as ISO dates.
     customer_days (string): relation or CTE with the columns of int_customer_days.
     snapshot_dates (string): relation or CTE with the columns of int_snapshot_dates. #}
{% macro customer_snapshot(dates, customer_days='customer_days', snapshot_dates='snapshot_dates') -%}
    {%- set ns = namespace(days=[]) -%}
    {%- for date in dates -%}
        {%- do ns.days.append("cast('" ~ date ~ "' as date)") -%}
    {%- endfor -%}
    {%- set horizon = var('churn_horizon_days') | int -%}
    with

    {#- A day alone is a constant: no join, and the scan ends at it. #}
    history as (
        select
            {{ customer_days }}.*,
            {% if ns.days | length == 1 -%}
            {{ ns.days[0] }} as snapshot_date,
            {{ dbt.datediff('activity_date', ns.days[0], 'day') }} as age
        from {{ customer_days }}
        where activity_date < {{ ns.days[0] }}
            {%- else -%}
            {{ snapshot_dates }}.snapshot_date,
            {{ dbt.datediff('activity_date', 'snapshot_date', 'day') }} as age
        from {{ customer_days }}
        inner join {{ snapshot_dates }}
            on {{ customer_days }}.activity_date < {{ snapshot_dates }}.snapshot_date
        where {{ snapshot_dates }}.snapshot_date in ({{ ns.days | join(', ') }})
            {%- endif %}
    ),

    last_orders as (
        select
            customer_id,
            snapshot_date,
            min(age) as recency_days
        from history
        where order_count > 0
        group by 1, 2
    ),

    summed as (
        select
            history.customer_id,
            history.snapshot_date,
            last_orders.recency_days,
            max(case when order_count > 0 then age end) as tenure_days,
            sum(order_count) as frequency,
            sum(revenue) as monetary,
            sum(discount) as discount,
            sum(revenue) - sum(refund) as net_monetary,
            sum(new_category_count) as category_count,
            sum(product_count) as product_count,
            count(order_day_number) as order_days,
            cast(sum(cast(revenue as decimal(38, 2)) * revenue) as double) as squared_values,
            cast(min(case when order_count > 0 then revenue end) as double) as min_value,
            cast(max(case when order_count > 0 then revenue end) as double) as max_value,
            cast(max_by(revenue, order_day_number) as double) as last_value,
            cast(max_by(product_count, order_day_number) as integer) as last_product_count,
            count(gap_days) as gaps,
            sum(gap_days) as sum_gap,
            cast(sum(cast(gap_days as bigint) * gap_days) as double) as squared_gaps,
            min(gap_days) as min_gap,
            max(gap_days) as max_gap,
            cast(max_by(gap_days, order_day_number) as integer) as last_gap,
            count(case when gap_days > recency_days then 1 end) as longer_gaps,
            count(case when gap_days > recency_days and gap_days <= recency_days + {{ horizon }} then 1 end)
                as gaps_due,
            {% for window in [14, 30, 90, 180, 365] -%}
            count(case when order_count > 0 and age <= {{ window }} then 1 end) as orders_{{ window }},
            {% endfor -%}
            count(case when order_count > 0 and age > 30 and age <= 60 then 1 end) as orders_30_60,
            {% for window in [90, 365] -%}
            cast(sum(case when age <= {{ window }} then revenue else 0 end) as double) as value_{{ window }},
            {% endfor -%}
            -- The horizon that begins on this day, a year ago.
            count(case when order_count > 0 and age <= 365 and age > {{ [365 - horizon, 0] | max }} then 1 end)
                as orders_last_year,
            count(case when return_count > 0 then 1 end) as return_days,
            count(case when return_count > 0 and age <= 90 then 1 end) as return_days_90,
            sum(case when age <= 30 then event_count else 0 end) as events_30,
            sum(case when age <= 90 then event_count else 0 end) as events_90,
            min(case when event_count > 0 then age end) as days_since_event
        from history
        inner join last_orders
            on
                history.customer_id = last_orders.customer_id
                and history.snapshot_date = last_orders.snapshot_date
        group by 1, 2, 3
    ),

    averaged as (
        select
            summed.*,
            {{ snapshot_dates }}.history_fingerprint,
            {{ snapshot_dates }}.history_days,
            {{ snapshot_dates }}.has_events,
            cast(monetary as double) / order_days as mean_value,
            -- Equal values differ by nothing; the formula would leave a rounding error.
            case
                when order_days > 1 and min_value = max_value then 0
                when order_days > 1
                    then sqrt(greatest(
                        squared_values - cast(monetary as double) * cast(monetary as double) / order_days, 0
                    ) / (order_days - 1))
            end as sd_value,
            cast(sum_gap as double) / nullif(gaps, 0) as mean_gap,
            case
                when gaps > 1 and min_gap = max_gap then 0
                when gaps > 1
                    then sqrt(greatest(
                        squared_gaps - cast(sum_gap as double) * cast(sum_gap as double) / gaps, 0
                    ) / (gaps - 1))
            end as sd_gap,
            cast(order_days as double) / (tenure_days + 30) as order_rate
        from summed
        inner join {{ snapshot_dates }}
            on summed.snapshot_date = {{ snapshot_dates }}.snapshot_date
    )

    select
        averaged.customer_id,
        averaged.snapshot_date,
        averaged.history_fingerprint,
        averaged.history_days,
        averaged.recency_days <= 365 as is_eligible,
        cast(averaged.recency_days as integer) as recency_days,
        cast(averaged.tenure_days as integer) as tenure_days,
        cast(averaged.frequency as integer) as frequency,
        cast(averaged.monetary as decimal(18, 2)) as monetary,
        cast(averaged.net_monetary as decimal(18, 2)) as net_monetary,
        {{ clientele.rfm_score('recency_days', 'desc') }} as r_score,
        {{ clientele.rfm_score('frequency') }} as f_score,
        {{ clientele.rfm_score(clientele.scored_monetary()) }} as m_score,
        cast(averaged.monetary as double) / averaged.frequency as average_order_value,
        cast(averaged.order_days as integer) as order_days,
        averaged.mean_value,
        averaged.sd_value,
        averaged.max_value,
        averaged.last_value,
        averaged.last_value / nullif(averaged.mean_value, 0) as last_over_mean,
        averaged.mean_gap,
        averaged.sd_gap,
        cast(averaged.max_gap as integer) as max_gap,
        averaged.last_gap,
        averaged.recency_days / nullif(averaged.mean_gap, 0) as recency_over_gap,
        (averaged.recency_days - averaged.mean_gap) / nullif(averaged.sd_gap, 0) as recency_gap_z,
        cast(averaged.recency_days as double) / nullif(averaged.max_gap, 0) as recency_over_max_gap,
        averaged.sd_gap / nullif(averaged.mean_gap, 0) as gap_variation,
        cast(averaged.longer_gaps as double) / nullif(averaged.gaps, 0) as gap_survival,
        (averaged.gaps_due + cast(0.5 as double)) / (averaged.longer_gaps + 1) as gap_hazard,
        {% for window in ['14', '30', '30_60', '90', '180', '365'] -%}
        cast(averaged.orders_{{ window }} as integer) as orders_{{ window }},
        {% endfor -%}
        averaged.value_90,
        averaged.value_365,
        cast(averaged.product_count as double) / averaged.order_days as breadth,
        averaged.last_product_count,
        cast(averaged.category_count as integer) as category_count,
        cast(averaged.discount as double)
        / nullif(cast(averaged.discount as double) + cast(averaged.monetary as double), 0) as discount_share,
        cast(averaged.return_days as integer) as return_days,
        cast(averaged.return_days_90 as integer) as return_days_90,
        cast(case when averaged.order_days = 1 then 1 else 0 end as integer) as one_time_buyer,
        averaged.order_rate,
        exp(-{{ horizon }} * averaged.order_rate) as no_order_chance,
        cast(case when averaged.history_days >= 365 then averaged.orders_last_year end as integer)
            as orders_last_year,
        cast(case when averaged.has_events then averaged.events_30 end as integer) as events_30,
        cast(case when averaged.has_events then averaged.events_90 end as integer) as events_90,
        cast(averaged.days_since_event as integer) as days_since_event
    from averaged
{%- endmacro %}
