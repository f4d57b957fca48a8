-- Grain: one row per customer of dim_customers, those who never ordered included. frequency and money so far
-- add up; scores, averages, distances and probabilities do not.
with

customers as (
    select
        customer_id,
        customer_name,
        email,
        city,
        country,
        registration_date,
        loyalty_tier,
        is_premium_customer,
        accepts_marketing,
        is_inferred,
        as_of_date
    from {{ ref('dim_customers') }}
),

customer_snapshots as (
    select
        customer_id,
        snapshot_date,
        tenure_days,
        average_order_value,
        category_count,
        discount_share,
        orders_365,
        value_365,
        return_days
    from {{ ref('int_customer_snapshots') }}
    where snapshot_date = {{ as_of_date() }}
),

customer_rfm as (
    select
        customer_id,
        recency_days,
        frequency,
        monetary,
        r_score,
        f_score,
        m_score,
        rfm_code,
        rfm_segment,
        previous_rfm_segment,
        recommended_action
    from {{ ref('customer_rfm') }}
),

returns as (
    select
        customer_id,
        sum(refund_amount) as refund_amount
    from {{ ref('fct_returns') }}
    where customer_id is not null
    group by 1
),

customer_segments as (
    select
        customer_id,
        segment_id,
        segment_name,
        distance,
        recommended_action,
        segment_status,
        model_version
    from {{ ref('customer_segments') }}
),

customer_churn as (
    select
        customer_id,
        churn_probability,
        churn_percentile,
        risk_band,
        score_status,
        score_reason,
        reason_1,
        reason_2,
        reason_3,
        model_version
    from {{ ref('customer_churn') }}
),

customer_value as (
    select
        customer_id,
        historical_clv,
        predicted_orders,
        predicted_value,
        next_order_date,
        money_at_risk,
        score_status,
        model_version
    from {{ ref('customer_value') }}
),

product_recommendations as (
    select
        customer_id,
        list,
        rank,
        product_id,
        coalesce(product_name, product_id) as product_name,
        reason
    from {{ ref('product_recommendations') }}
),

-- Likelier than not to be gone before the customer has read of it and ordered.
stockouts as (
    select product_id
    from {{ ref('stockout_forecast') }}
    where stockout_chance_14 >= 0.5
),

customer_actions as (
    select
        lifecycle_stage,
        value_tier,
        action_code,
        recommended_action
    from {{ ref('customer_actions') }}
),

-- One answer per customer, whatever RFM, segment and churn say each for itself.
stages as (
    select
        customers.customer_id,
        case
            when customer_rfm.customer_id is null then 'never_ordered'
            when customer_rfm.recency_days > 365 then 'lost'
            when customer_rfm.frequency <= 2 and customer_snapshots.tenure_days <= {{ var('churn_horizon_days') }} then 'new'
            when customer_churn.risk_band = 'high' then 'at_risk'
            when customer_churn.risk_band = 'medium' then 'cooling'
            when customer_churn.risk_band = 'low' then 'active'
            -- Without a probability of the customer's own the days since the last order have to do.
            when customer_rfm.recency_days <= {{ var('churn_horizon_days') }} then 'active'
            else 'cooling'
        end as lifecycle_stage,
        case
            when customer_rfm.m_score >= 4 then 'high'
            when customer_rfm.m_score = 3 then 'medium'
            else 'low'
        end as value_tier
    from customers
    left join customer_snapshots
        on customers.customer_id = customer_snapshots.customer_id
    left join customer_rfm
        on customers.customer_id = customer_rfm.customer_id
    left join customer_churn
        on customers.customer_id = customer_churn.customer_id
),

-- Who is new or never ordered is shown something new; others what they buy again. The other list where that one is empty,
-- or all of it is likely to run out.
products as (
    select
        product_recommendations.customer_id,
        product_recommendations.product_id,
        product_recommendations.product_name,
        product_recommendations.reason,
        row_number() over (
            partition by product_recommendations.customer_id
            order by
                case when stockouts.product_id is null then 1 else 2 end,
                case
                    when
                        (stages.lifecycle_stage in ('new', 'never_ordered'))
                        = (product_recommendations.list = 'new_to_you')
                        then 1
                    else 2
                end,
                product_recommendations.rank
        ) as preference
    from product_recommendations
    inner join stages
        on product_recommendations.customer_id = stages.customer_id
    left join stockouts
        on product_recommendations.product_id = stockouts.product_id
),

customer_360 as (
    select
        customers.customer_id,
        customers.customer_name,
        customers.email,
        customers.city,
        customers.country,
        customers.registration_date,
        customers.loyalty_tier,
        customers.is_premium_customer,
        customers.accepts_marketing,
        stages.lifecycle_stage,
        stages.value_tier,
        customer_actions.recommended_action,
        case stages.lifecycle_stage
            when 'never_ordered' then 'Never ordered.'
            else
                case stages.lifecycle_stage
                    when 'new' then 'New'
                    when 'active' then 'Active'
                    when 'cooling' then 'Cooling'
                    when 'at_risk' then 'Likely to leave'
                    else 'Gone for more than a year'
                end
                || ', of ' || stages.value_tier || ' value.'
                || coalesce(' ' || customer_churn.reason_1 || '.', '')
        end as action_reason,
        products.product_id as recommended_product_id,
        products.product_name as recommended_product_name,
        products.reason as product_reason,
        customer_value.money_at_risk,
        customer_churn.churn_probability,
        customer_churn.risk_band,
        customer_churn.reason_1 as churn_reason_1,
        customer_churn.reason_2 as churn_reason_2,
        customer_churn.reason_3 as churn_reason_3,
        customer_rfm.rfm_segment,
        customer_rfm.previous_rfm_segment,
        customer_rfm.recommended_action as rfm_action,
        customer_segments.segment_name,
        customer_segments.recommended_action as segment_action,
        customer_rfm.customer_id is not null as has_ordered,
        cast({{ dbt.dateadd('day', '-customer_snapshots.tenure_days', 'customers.as_of_date') }} as date)
            as first_order_date,
        cast({{ dbt.dateadd('day', '-customer_rfm.recency_days', 'customers.as_of_date') }} as date)
            as last_order_date,
        customer_value.next_order_date,
        coalesce(customer_rfm.frequency, 0) as frequency,
        coalesce(customer_rfm.monetary, 0) as monetary,
        cast(coalesce(returns.refund_amount, 0) as decimal(18, 2)) as refund_amount,
        cast(coalesce(customer_rfm.monetary, 0) - coalesce(returns.refund_amount, 0) as decimal(18, 2)) as net_monetary,
        cast(customer_snapshots.average_order_value as decimal(18, 2)) as average_order_value,
        cast(coalesce(customer_snapshots.orders_365, 0) as integer) as order_days_365,
        cast(coalesce(customer_snapshots.value_365, 0) as decimal(18, 2)) as value_365,
        customer_value.historical_clv,
        customer_value.predicted_orders,
        customer_value.predicted_value,
        customer_snapshots.category_count,
        customer_snapshots.discount_share,
        cast(coalesce(customer_snapshots.return_days, 0) as integer) as return_days,
        customer_rfm.recency_days,
        customer_snapshots.tenure_days,
        customer_rfm.r_score,
        customer_rfm.f_score,
        customer_rfm.m_score,
        customer_rfm.rfm_code,
        customer_churn.churn_percentile,
        customer_actions.action_code,
        customer_churn.score_status as churn_status,
        customer_churn.score_reason as churn_status_reason,
        customer_churn.model_version as churn_model_version,
        customer_segments.segment_id,
        customer_segments.distance as segment_distance,
        coalesce(customer_segments.segment_status, 'never_ordered') as segment_status,
        customer_segments.model_version as segment_model_version,
        customer_value.score_status as value_status,
        customer_value.model_version as value_model_version,
        customers.is_inferred,
        customers.as_of_date
    from customers
    inner join stages
        on customers.customer_id = stages.customer_id
    left join customer_actions
        on
            stages.lifecycle_stage = customer_actions.lifecycle_stage
            and stages.value_tier = customer_actions.value_tier
    left join customer_snapshots
        on customers.customer_id = customer_snapshots.customer_id
    left join customer_rfm
        on customers.customer_id = customer_rfm.customer_id
    left join returns
        on customers.customer_id = returns.customer_id
    left join customer_segments
        on customers.customer_id = customer_segments.customer_id
    left join customer_churn
        on customers.customer_id = customer_churn.customer_id
    left join customer_value
        on customers.customer_id = customer_value.customer_id
    left join products
        on
            customers.customer_id = products.customer_id
            and products.preference = 1
)

select * from customer_360
