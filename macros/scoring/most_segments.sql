{# The most segments a version can have: as many as the seed segment_archetypes has names. #}
{% macro most_segments() %}
    {{- return(10) -}}
{% endmacro %}
