{# Add the days with an order that are expected of customers: mbg_orders_<horizon>, by an MBG/NBD model
   alone; expected_orders_<horizon>, which takes the churn model's word on who orders at all; and
   staying_orders_<horizon>, of those who stay. Reads the columns that mbg_features adds.

   Who is alive orders at a rate from Gamma(r + x, alpha + T) and leaves after an order with a
   probability p from Beta(a, b + x + 1), so that within t days
     E(t) = P(alive) E_p[(1 - (1 + p t / (alpha + T))^-(r + x)) / p].
   The mean over p is taken at the two points of a Gauss rule, which is exact up to cubes of p: tests
   hold it within 8 % of the hypergeometric sum for a customer, and within 2 % for a shop.

   The churn model knows more of a customer than an MBG/NBD model, but of one horizon only. Up to its
   horizon orders are multiplied by how much likelier it thinks one is; beyond it by the square root,
   because half of what it says wears off. With the full ratio, shops whose customers come back once a
   year got worse; with none, shops of subscribers.

   Who stays orders within the churn horizon, and is one of those who are alive beyond it. What is expected of
   a customer lies between nothing and that, whatever the probability, because both are scaled alike.

   Arguments:
     scored (string): relation or CTE as mbg_features selects it, with churn_probability.
     horizons (list of integers): days ahead. #}
{% macro expected_orders(scored, horizons=[90, 365]) -%}
    {%- set churn_horizon = var('churn_horizon_days') | int -%}
    with

    leaving_moments as (
        select
            *,
            mbg_a / (mbg_a + mbg_b + order_days) as leaving,
            sqrt(mbg_a * (mbg_b + order_days) / (mbg_a + mbg_b + order_days + 1))
            / (mbg_a + mbg_b + order_days) as spread,
            2 * (mbg_b + order_days - mbg_a) * sqrt(mbg_a + mbg_b + order_days + 1)
            / (mbg_a + mbg_b + order_days + 2) / sqrt(mbg_a * (mbg_b + order_days)) as skew
        from {{ scored }}
    ),

    leaving_points as (
        select
            *,
            (1 - churn_probability) / (1 - mbg_chance) as likelier,
            -- mbg_chance is bounded, mbg_alive_chance is not.
            1 / least(mbg_alive_chance, 1 - mbg_chance) as staying_likelier,
            greatest(leaving + spread * (skew / 2 - sqrt(1 + skew * skew / 4)), 0.000001) as leaving_low,
            leaving + spread * (skew / 2 + sqrt(1 + skew * skew / 4)) as leaving_high,
            (1 + skew / 2 / sqrt(1 + skew * skew / 4)) / 2 as low_weight
        from leaving_moments
    )

    select
        *{% for horizon in horizons %},
        {{ clientele.mbg_orders(horizon) }} as mbg_orders_{{ horizon }},
        likelier * {{ clientele.mbg_orders([horizon, churn_horizon] | min) }}
        {%- if horizon > churn_horizon %}
        + sqrt(likelier) * ({{ clientele.mbg_orders(horizon) }} - {{ clientele.mbg_orders(churn_horizon) }})
        {%- endif %} as expected_orders_{{ horizon }},
        staying_likelier * {{ clientele.mbg_orders([horizon, churn_horizon] | min) }}
        {%- if horizon > churn_horizon %}
        + greatest(1 / mbg_alive_chance, sqrt(staying_likelier))
        * ({{ clientele.mbg_orders(horizon) }} - {{ clientele.mbg_orders(churn_horizon) }})
        {%- endif %} as staying_orders_{{ horizon }}
        {%- endfor %}
    from leaving_points
{%- endmacro %}
