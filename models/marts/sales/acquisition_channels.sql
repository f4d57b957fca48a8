-- Grain: one row per channel and month of a customer's first order. Counts, revenue, margin and predicted_value add up;
-- rates and values per customer do not.
{%- set repeat_days = 90 %}
{%- set value_days = [90, 365] %}
with

orders as (
    select
        customer_id,
        channel,
        order_date,
        order_revenue,
        order_margin,
        is_first_order
    from {{ ref('fct_orders') }}
    where not is_cancelled and customer_id is not null
),

customer_churn as (
    select
        customer_id,
        case when score_status = 'scored' then churn_probability end as churn_probability,
        score_status
    from {{ ref('customer_churn') }}
),

customer_value as (
    select
        customer_id,
        predicted_value
    from {{ ref('customer_value') }}
),

first_orders as (
    select
        customer_id,
        coalesce(channel, 'unknown') as channel,
        order_date as first_order_date
    from orders
    where is_first_order
),

customers as (
    select
        first_orders.customer_id,
        first_orders.channel,
        first_orders.first_order_date,
        count(*) as order_count,
        sum(orders.order_revenue) as revenue,
        {%- for days in value_days %}
        sum(case
            when orders.order_date <= cast({{ dbt.dateadd('day', days, 'first_orders.first_order_date') }} as date)
                then orders.order_revenue
        end) as revenue_{{ days }},
        sum(case
            when orders.order_date <= cast({{ dbt.dateadd('day', days, 'first_orders.first_order_date') }} as date)
                then orders.order_margin
        end) as margin_{{ days }},
        {%- endfor %}
        min(case when orders.order_date > first_orders.first_order_date then orders.order_date end) as second_order_date
    from first_orders
    inner join orders
        on first_orders.customer_id = orders.customer_id
    group by 1, 2, 3
),

judged as (
    select
        customers.channel,
        cast({{ dbt.date_trunc('month', 'customers.first_order_date') }} as date) as cohort_date,
        customers.order_count,
        customers.revenue,
        -- The last of the days must be over, too: who came a month ago has not had the time to spend.
        {%- for days in value_days %}
        cast({{ dbt.dateadd('day', days, 'customers.first_order_date') }} as date) < {{ as_of_date() }}
            as is_observed_{{ days }},
        customers.revenue_{{ days }},
        customers.margin_{{ days }},
        {%- endfor %}
        coalesce(
            customers.second_order_date <= cast({{ dbt.dateadd('day', repeat_days, 'customers.first_order_date') }} as date),
            false
        ) as is_repeat,
        customer_value.predicted_value,
        customer_churn.churn_probability,
        customer_churn.score_status
    from customers
    inner join customer_churn
        on customers.customer_id = customer_churn.customer_id
    inner join customer_value
        on customers.customer_id = customer_value.customer_id
),

summed as (
    select
        channel,
        cohort_date,
        count(*) as customer_count,
        count(case when is_observed_{{ repeat_days }} and is_repeat then 1 end) as repeat_customer_count,
        {%- for days in value_days %}
        count(case when is_observed_{{ days }} then 1 end) as observed_customer_count_{{ days }},
        sum(case when is_observed_{{ days }} then revenue_{{ days }} end) as revenue_{{ days }},
        sum(case when is_observed_{{ days }} then margin_{{ days }} end) as margin_{{ days }},
        {%- endfor %}
        sum(order_count) as order_count,
        sum(revenue) as revenue,
        count(predicted_value) as valued_customer_count,
        -- Doubles add up to other bits in another order.
        cast(sum(cast(predicted_value as decimal(28, 12))) as double) as predicted_value,
        count(churn_probability) as scored_customer_count,
        cast(sum(cast(churn_probability as decimal(28, 12))) as double) as churn_probability,
        count(case when score_status = 'inactive' then 1 end) as inactive_customer_count
    from judged
    group by 1, 2
),

acquisition_channels as (
    select
        channel,
        cohort_date,
        cast(customer_count as integer) as customer_count,
        cast(observed_customer_count_{{ repeat_days }} as integer) as observed_customer_count,
        cast(repeat_customer_count as integer) as repeat_customer_count,
        cast(repeat_customer_count as double) / nullif(observed_customer_count_{{ repeat_days }}, 0) as repeat_rate,
        cast(observed_customer_count_365 as integer) as observed_customer_count_365,
        {%- for days in value_days %}
        cast(revenue_{{ days }} as decimal(18, 2)) as revenue_{{ days }},
        cast(margin_{{ days }} as decimal(18, 2)) as margin_{{ days }},
        {{ money_per('revenue_' ~ days, 'observed_customer_count_' ~ days) }} as revenue_per_customer_{{ days }},
        {{ money_per('margin_' ~ days, 'observed_customer_count_' ~ days) }} as margin_per_customer_{{ days }},
        {%- endfor %}
        cast(order_count as integer) as order_count,
        cast(revenue as decimal(18, 2)) as revenue,
        {{ money_per('revenue', 'customer_count') }} as revenue_per_customer,
        cast(valued_customer_count as integer) as valued_customer_count,
        predicted_value,
        predicted_value / nullif(valued_customer_count, 0) as mean_predicted_value,
        cast(scored_customer_count as integer) as scored_customer_count,
        churn_probability / nullif(scored_customer_count, 0) as mean_churn_probability,
        cast(inactive_customer_count as integer) as inactive_customer_count,
        cast(inactive_customer_count as double) / customer_count as inactive_rate,
        {{ as_of_date() }} as as_of_date
    from summed
)

select * from acquisition_channels
