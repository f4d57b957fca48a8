-- Whom should we write to this week? The first hundred of the campaign audience who have an address: who may leave, with the
-- most money at stake, with the strongest reason, what to do about it and what to offer.
with

campaign_audience as (
    select
        customer_id,
        audience_rank,
        money_at_risk,
        churn_probability,
        recommended_action,
        recommended_product_name
    from {{ ref('campaign_audience') }}
    -- The others are left alone, so that the campaign can be measured.
    where campaign_group = 'treatment'
),

customer_360 as (
    select
        customer_id,
        customer_name,
        email,
        segment_name,
        churn_reason_1,
        last_order_date
    from {{ ref('customer_360') }}
    where email is not null
),

ranked as (
    select
        campaign_audience.*,
        customer_360.customer_name,
        customer_360.email,
        customer_360.segment_name,
        customer_360.churn_reason_1,
        customer_360.last_order_date,
        row_number() over (order by campaign_audience.audience_rank) as contact_rank
    from campaign_audience
    inner join customer_360
        on campaign_audience.customer_id = customer_360.customer_id
),

whom_to_contact_this_week as (
    select
        contact_rank,
        customer_id,
        customer_name,
        email,
        segment_name,
        recommended_action,
        recommended_product_name,
        round(churn_probability, 2) as churn_probability,
        churn_reason_1,
        round(money_at_risk, 2) as money_at_risk,
        last_order_date
    from ranked
    where contact_rank <= 100
)

select * from whom_to_contact_this_week
order by contact_rank
