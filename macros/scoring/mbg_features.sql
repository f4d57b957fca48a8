{# Add the features of an MBG/NBD model to snapshots: mbg_alive, the log odds that the customer is still
   one; mbg_no_order, the log odds of no order within the churn horizon; mbg_orders, the logarithm of the
   orders expected in it; beside them what they come from. Batislam, Denizel and Filiztekin (2007); the
   same as mbg_features in clientele/mbg_nbd.py. No row for a fit without such a model.

   Arguments:
     scored (string): relation or CTE with fit, order_days, recency_days and tenure_days.
     parameters (string): relation or CTE with the parameter rows of the churn model, by fit. #}
{% macro mbg_features(scored, parameters) -%}
    {%- set horizon = var('churn_horizon_days') | int -%}
    with

    mbg_constants as (
        select
            {% for name in ['r', 'alpha', 'a', 'b'] -%}
            max(case when feature = 'mbg_{{ name }}' then value end) as mbg_{{ name }},
            {% endfor -%}
            fit
        from {{ parameters }}
        where parameter_type = 'constant'
        group by fit
    ),

    mbg_odds as (
        select
            {{ scored }}.*,
            mbg_constants.mbg_r,
            mbg_constants.mbg_alpha,
            mbg_constants.mbg_a,
            mbg_constants.mbg_b,
            ln(mbg_constants.mbg_b + {{ scored }}.order_days - 1) - ln(mbg_constants.mbg_a)
            + (mbg_constants.mbg_r + {{ scored }}.order_days - 1) * (
                ln(mbg_constants.mbg_alpha + {{ scored }}.tenure_days - {{ scored }}.recency_days)
                - ln(mbg_constants.mbg_alpha + {{ scored }}.tenure_days)
            ) as mbg_odds
        from {{ scored }}
        inner join mbg_constants
            on {{ scored }}.fit = mbg_constants.fit
    ),

    mbg_alive as (
        select
            *,
            {{ clientele.sigmoid('mbg_odds') }} as mbg_alive_chance,
            (mbg_r + order_days - 1) / (mbg_alpha + tenure_days) as mbg_rate
        from mbg_odds
    ),

    mbg_chances as (
        select
            *,
            least(greatest(
                1 - mbg_alive_chance * (1 - power(
                    (mbg_alpha + tenure_days) / (mbg_alpha + tenure_days + {{ horizon }}), mbg_r + order_days - 1
                )), cast(0.00001 as double)), cast(0.99999 as double)) as mbg_chance
        from mbg_alive
    )

    select
        *,
        least(greatest(mbg_odds, -8), 8) as mbg_alive,
        ln(mbg_chance / (1 - mbg_chance)) as mbg_no_order,
        ln(mbg_alive_chance * mbg_rate * {{ horizon }} + 0.0001) as mbg_orders
    from mbg_chances
{%- endmacro %}
