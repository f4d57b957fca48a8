{# Predict the order days of customers, and the value of one, from the churn model's probability and what
   the value model learnt. Selects customer_id, predicted_orders_90, predicted_orders (365 days),
   predicted_order_value, and mbg_orders_90, what an MBG/NBD model alone expects; no row where no value
   model was trained.

   Arguments:
     scored (string): relation or CTE with the features of one day and churn_probability.
     parameters (string): relation or CTE with the parameter rows of one fit of both models. #}
{% macro score_value(scored, parameters) -%}
    with

    churn_parameters as (
        select *
        from {{ parameters }}
        where model = 'churn'
    ),

    learnt as (
        select
            max(case when feature = 'year' then value end) as year_factor,
            max(case when feature = 'mean_order_value' then value end) as mean_order_value,
            max(case when feature = 'prior_order_days' then value end) as prior_order_days
        from {{ parameters }}
        where model = 'orders'
    ),

    days as (
        select max(snapshot_date) as scored_date
        from {{ scored }}
    ),

    seasons as (
        select coalesce(max_by({{ parameters }}.value, {{ parameters }}.snapshot_date), 1) as season
        from {{ parameters }}
        inner join days
            on {{ parameters }}.snapshot_date <= days.scored_date
        where {{ parameters }}.parameter_type = 'season'
    ),

    with_mbg as (
        {{ clientele.mbg_features(scored, 'churn_parameters') }}
    ),

    expected as (
        {{ clientele.expected_orders('with_mbg') }}
    ),

    -- The MBG/NBD model, which knows no season, says how many orders a year holds; the churn model, whose.
    totals as (
        select
            -- Decimals, because doubles add up to other bits in another order.
            cast(sum(cast(mbg_orders_365 as decimal(28, 12))) as double)
            / cast(sum(cast(expected_orders_365 as decimal(28, 12))) as double) as ratio
        from expected
    )

    select
        expected.customer_id,
        expected.mbg_orders_90,
        -- A high season cannot hold more orders than the year around it.
        least(
            expected.expected_orders_90 * seasons.season,
            expected.expected_orders_365 * totals.ratio * learnt.year_factor
        ) as predicted_orders_90,
        expected.expected_orders_365 * totals.ratio * learnt.year_factor as predicted_orders,
        greatest(
            (learnt.prior_order_days * learnt.mean_order_value + cast(expected.monetary as double))
            / (learnt.prior_order_days + expected.order_days), 0
        ) as predicted_order_value
    from expected
    cross join learnt
    cross join seasons
    cross join totals
    where learnt.year_factor is not null
{%- endmacro %}
